"""The interval of a median, for samples that depend on their neighbours."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

COSINES = 8
"""Number of waves that estimate the dependence; the slowest has half a period in the run, the fastest four. Fewer
waves see slower moods of the machine but widen the interval. Eight make it 14 % wider than ideal for independent
samples and hold while a run is about fifteen times as long as its moods."""


def median_interval(samples: NDArray[np.floating | np.integer], confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the median of `samples`, shaped (n,) in order of time, in their unit.

    It holds for the process that was timed, as long as nothing about it changes. The median of another process,
    or of the same one seconds later, may differ by more than the interval, and these samples cannot show it
    (docs/measured-facts.md): two sides are compared by `harness.ab`, never by such intervals.

    The ends are two of the samples (Woodruff, "Confidence intervals for medians and other position measures", JASA 47,
    1952, 635–646): those whose ranks lie t·√(n·S) from the middle. S is the long-run variance of 1[sample > median],
    which is ¼ for independent samples and larger where neighbouring samples are correlated (Heidelberger and Lewis,
    "Quantile estimation in dependent sequences", Operations Research 32, 1984, 185–209). It is estimated by `COSINES`
    equally weighted cosine waves and judged by Student's t with as many degrees of freedom, which pays for its
    uncertainty (Lazarus, Lewis, Stock and Watson, "HAR inference: recommendations for practice", Journal of Business &
    Economic Statistics 36, 2018, 541–559).

    The interval always contains the median. Where there are very few samples, it spans them all. Raises ValueError
    without samples."""
    count = len(samples)
    if count == 0:
        raise ValueError("no samples")
    ordered = np.sort(samples).astype(np.float64)
    deviation, freedom = rank_deviation(samples)
    if freedom == 0:
        return float(ordered[0]), float(ordered[-1])
    from scipy.special import stdtrit  # imported here: SciPy takes long to load

    reach = float(stdtrit(freedom, 0.5 + confidence / 2.0)) * deviation
    low, high = math.floor(count / 2 - reach) - 1, math.ceil(count / 2 + reach)
    return float(ordered[max(0, low)]), float(ordered[min(count - 1, high)])


def rank_deviation(samples: NDArray[np.floating | np.integer]) -> tuple[float, int]:
    """√(n·S), the standard deviation of the true median's rank in `samples`, shaped (n,) in order of time.

    The second figure is the degrees of freedom of the Student's t that goes with it; 0 where the samples are too few to
    tell."""
    waves = min(COSINES, len(samples) // 4)
    if waves == 0:
        return 0.0, 0
    median = np.median(samples)
    # A coarse clock gives many samples equal to the median; they may belong to either side.
    variance = max(_long_run_variance(samples > median, waves), _long_run_variance(samples >= median, waves))
    return math.sqrt(len(samples) * variance), waves


def _long_run_variance(above: NDArray[np.bool_], waves: int) -> float:
    """n times the variance of the mean of `above`, shaped (n,), whatever its neighbours share."""
    times = (np.arange(len(above)) + 0.5) / len(above)
    cosines = np.cos(math.pi * np.arange(1, waves + 1)[:, None] * times)
    projections = cosines @ (above - above.mean())
    return float(2.0 / len(above) * np.square(projections).mean())
