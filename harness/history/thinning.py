"""Fewer points of the same shape, for a drawing that has fewer pixels than there are runs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def thinned(values: NDArray[np.float64], limit: int, keep: Iterable[int] = ()) -> list[int]:
    """Places of at most about `limit` values (≥ 4), in order: of each of equal buckets the lowest and the highest, so
    that no extreme is lost; the first and the last; and those of `keep`, where the series changes, with the one
    before each. All of them where there are no more than `limit`."""
    count = len(values)
    if count <= limit:
        return list(range(count))
    keep = list(keep)
    buckets = max(1, (limit - 2) // 2)
    bounds = np.linspace(0, count, buckets + 1).astype(int)
    chosen = {0, count - 1, *keep, *(place - 1 for place in keep)}
    for start, end in pairwise(bounds):
        part = values[start:end]
        if len(part):
            chosen |= {int(start + part.argmin()), int(start + part.argmax())}
    return sorted(chosen)
