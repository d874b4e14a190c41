"""The best cut of a series into stretches of one level each.

Optimal partitioning (Jackson et al., "An algorithm for optimal partitioning of data on an interval", 2005), without the
pruning that PELT (Killick, Fearnhead and Eckley 2012) adds: both find the same optimum, and a series of a few hundred
values needs no pruning. It is the optimum that `ruptures.KernelCPD(kernel="linear")` finds, which has no wheels for
Python 3.14.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_segments(values: NDArray[np.float64], penalty: float, smallest: int) -> list[int]:
    """Ends of the segments, the last one `len(values)`, that minimise the sum of squared errors around each segment's
    mean plus `penalty` a segment. `values` is shaped (n,); no segment is shorter than `smallest`, unless the series is.
    """
    count = len(values)
    if count < 2 * smallest:
        return [count]
    # Sums from the start; around the mean, so that squares of a high level do not swallow small differences.
    centred = values - values.mean()
    sums = np.concatenate(([0.0], np.cumsum(centred)))
    squares = np.concatenate(([0.0], np.cumsum(centred**2)))
    cost = np.full(count + 1, np.inf)
    cost[0] = 0.0
    begin_of = np.zeros(count + 1, dtype=np.int64)
    for end in range(smallest, count + 1):
        begins = np.arange(end - smallest + 1)
        total = sums[end] - sums[begins]
        error = squares[end] - squares[begins] - total**2 / (end - begins)
        candidates = cost[begins] + error + penalty
        begin_of[end] = int(np.argmin(candidates))
        cost[end] = candidates[begin_of[end]]
    ends = [count]
    while begin_of[ends[-1]] > 0:
        ends.append(int(begin_of[ends[-1]]))
    return ends[::-1]
