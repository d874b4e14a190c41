"""Change points of one series: exact steps of deterministic figures, E-Divisive for noisy ones.

For noisy figures the plan is that of Fleming et al., "Hunter: Using Change Point Detection to Hunt for Performance
Regressions" (ICPE 2023): split by E-Divisive (`e_divisive.py`) with a lax test, so that a small change beside a large
one is found, then drop the weakest change points one by one until every one left passes a strict Student's t-test
against its neighbours, which, unlike the permutation test of Matteson and James, gives the same answer every time.
Three things are added, because timings of a real machine are neither independent nor normal:

- the logarithm is taken, as a slower machine is slower by a factor;
- single bad days are clipped towards a running median (`clipped`);
- the t-test counts independent values only: n(1−ρ)/(1+ρ) of n, with ρ the autocorrelation at lag one of what the
  segments leave over (the variance of the mean of a first-order autoregression; Bartlett 1935).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import special

from harness.history.e_divisive import Split, best_split
from harness.latency.interval import rank_deviation

MINIMUM_RUNS = 5
"""Runs on either side of a change: a step is reported when five runs have seen it, and a bad day is none."""
LAX, STRICT = 0.01, 0.0001
"""Levels of the two t-tests. `STRICT` is low because the best of many splits is tested; the benchmark of the history
measures what it costs and brings."""
SMALLEST_STEP = 0.01
"""Smaller relative steps of wall-clock figures are not reported: machines drift by as much."""
WINDOW = 1000
"""Runs in a window. Longer series are split in half-overlapping windows of this size: the search takes n² time and
memory."""
_CLIP = 4.0
_MEDIAN_REACH = 5
_LIKELY = 100


@dataclass(frozen=True)
class LevelShift:
    """A change between `values[index - 1]` and `values[index]`.

    `before` and `after` are the medians of the segments on either side (of single values for an exact step), `low` and
    `high` the 95 % interval of `after / before − 1` (of `after − before` where `before` is not positive), which for an
    exact step is the step itself. `p_value` is null for exact steps.
    """

    index: int
    before: float
    after: float
    size: float
    low: float
    high: float
    relative: bool
    p_value: float | None = None


def exact_steps(values: Sequence[float]) -> list[LevelShift]:
    """Every change of a figure that is the same at every run, `values` shaped (n,) in the order of the runs."""
    return [
        _exact(index, before, after)
        for index, (before, after) in enumerate(pairwise(values), start=1)
        if before != after and not (np.isnan(before) and np.isnan(after))
    ]


def noisy_steps(values: Sequence[float], smallest: float = SMALLEST_STEP) -> list[LevelShift]:
    """The change points of a wall-clock figure, `values` shaped (n,) in the order of the runs, oldest first.

    Steps below `smallest` (relative) are left out. Fewer than ten values have no change point.
    """
    series = np.asarray(values, dtype=np.float64)
    relative = bool((series > 0).all())
    level = clipped(np.log(series) if relative else series)
    steps = []
    points = _strict(level, _seen(_moved(level, list(_strict(level, _candidates(level)))), len(level)))
    for index, p_value in points.items():
        step = _measured(series, index, _neighbours(points, index, len(series)), relative, p_value)
        if not relative or abs(step.size) >= smallest:
            steps.append(step)
    return steps


def clipped(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """`level`, shaped (n,), with values further than four robust deviations from the running median of eleven brought
    to that distance: a step of five runs or more stays, an outlier loses its weight (Hampel's filter, but for
    clipping instead of replacing)."""
    count = len(level)
    if count < 2 * MINIMUM_RUNS:
        return level
    middle = np.empty(count)
    inner = np.lib.stride_tricks.sliding_window_view(level, min(count, 2 * _MEDIAN_REACH + 1))
    middle[_MEDIAN_REACH : _MEDIAN_REACH + len(inner)] = np.median(inner, axis=1)
    for place in (*range(_MEDIAN_REACH), *range(max(_MEDIAN_REACH, count - _MEDIAN_REACH), count)):
        middle[place] = np.median(level[max(0, place - _MEDIAN_REACH) : place + _MEDIAN_REACH + 1])
    away = level - middle
    spread = 1.4826 * float(np.median(np.abs(away)))
    return level if spread == 0.0 else middle + np.clip(away, -_CLIP * spread, _CLIP * spread)


def _candidates(level: NDArray[np.float64]) -> list[int]:
    """Splits that pass the lax test, found by bisection."""
    count = len(level)
    if count > WINDOW:
        starts = range(0, count - WINDOW // 2, WINDOW // 2)
        found = {start + index for start in starts for index in _candidates(level[start : start + WINDOW])}
        return sorted(found)
    points: list[int] = []
    waiting = [(0, count)]
    while waiting:
        start, end = waiting.pop()
        split = best_split(level[start:end], MINIMUM_RUNS)
        if split is None:
            continue
        middle = start + split.index
        if (
            _p_value(level[start:middle], level[middle:end], 1.0) < LAX
            or _undone_later(level[start:end], split) < STRICT
        ):
            points.append(middle)
            waiting += [(start, middle), (middle, end)]
    return sorted(points)


def _undone_later(part: NDArray[np.float64], split: Split) -> float:
    """p-value of a split against the values up to κ only. Later values may undo the change, so the mean of the whole
    right side says nothing. Bonferroni corrects for all τ and κ that the split was chosen from."""
    count = len(part)
    share = _independent_share(part, sorted({0, split.index, split.end, count}))
    p_value = _p_value(part[: split.index], part[split.index : split.end], share)
    return min(1.0, p_value * count * count / 2.0)


def _strict(level: NDArray[np.float64], candidates: list[int]) -> dict[int, float]:
    """The candidates that stay, each with its p-value, after the weakest were dropped one by one."""
    points = list(candidates)
    while points:
        bounds = [0, *points, len(level)]
        share = _independent_share(level, bounds)
        values = [
            _p_value(level[start:middle], level[middle:end], share)
            for start, middle, end in zip(bounds, bounds[1:], bounds[2:], strict=False)
        ]
        weakest = int(np.argmax(values))
        if values[weakest] < STRICT:
            return dict(zip(points, values, strict=True))
        del points[weakest]
    return {}


def _moved(level: NDArray[np.float64], points: list[int]) -> list[int]:
    """Each point moved by less than `MINIMUM_RUNS`, to where its segments lie closest to their medians: a split that
    has to leave five values on a side may take values of the other level with them."""
    moved = list(points)
    for index, point in enumerate(points):
        start = moved[index - 1] if index else 0
        end = points[index + 1] if index + 1 < len(points) else len(level)
        left, right = np.median(level[start:point]), np.median(level[point:end])
        first, last = max(start + 1, point - MINIMUM_RUNS + 1), min(end - 1, point + MINIMUM_RUNS - 1)
        # What moving the border costs: the distance to the left median minus that to the right, summed up to it.
        part = level[first:last]
        costs = np.concatenate([[0.0], np.cumsum(np.abs(part - left) - np.abs(part - right))])
        moved[index] = first + int(np.argmin(costs))
    return moved


def _seen(points: list[int], count: int) -> list[int]:
    """The points that have `MINIMUM_RUNS` on either side, up to the next."""
    kept: list[int] = []
    for index, point in enumerate(points):
        end = points[index + 1] if index + 1 < len(points) else count
        if point - (kept[-1] if kept else 0) >= MINIMUM_RUNS and end - point >= MINIMUM_RUNS:
            kept.append(point)
    return kept


def _independent_share(level: NDArray[np.float64], bounds: list[int]) -> float:
    """(1−ρ)/(1+ρ) of what is left when each segment loses its mean; at most 1, at least 1/19 (ρ = 0.9)."""
    rest = np.concatenate([level[start:end] - level[start:end].mean() for start, end in pairwise(bounds)])
    power = float(rest @ rest)
    correlation = float(rest[1:] @ rest[:-1]) / power if power > 0 else 0.0
    correlation = min(max(correlation, 0.0), 0.9)
    return (1.0 - correlation) / (1.0 + correlation)


def _p_value(left: NDArray[np.float64], right: NDArray[np.float64], share: float) -> float:
    """Two-sided Student's t-test with the pooled variance, where only `share` of the values count as independent."""
    count_left, count_right = len(left), len(right)
    difference = float(right.mean() - left.mean())
    squares = float(((left - left.mean()) ** 2).sum() + ((right - right.mean()) ** 2).sum())
    freedom = max((count_left + count_right) * share - 2.0, 1.0)
    variance = squares / max(count_left + count_right - 2, 1)
    error = np.sqrt(variance * (1.0 / count_left + 1.0 / count_right) / share)
    if error == 0.0:
        return 1.0 if difference == 0.0 else 0.0
    return float(2.0 * special.stdtr(freedom, -abs(difference) / error))


def _neighbours(points: dict[int, float], index: int, count: int) -> tuple[int, int]:
    bounds = [0, *points, count]
    place = bounds.index(index, 1)
    return bounds[place - 1], bounds[place + 1]


def _measured(
    series: NDArray[np.float64], index: int, bounds: tuple[int, int], relative: bool, p_value: float
) -> LevelShift:
    left, right = series[bounds[0] : index], series[index : bounds[1]]
    before, after = float(np.median(left)), float(np.median(right))
    # Every likely median of one side with every one of the other: each pair is as likely as the next.
    lefts, rights = _likely_medians(left)[:, None], _likely_medians(right)[None, :]
    low, high = np.percentile(rights / lefts - 1.0 if relative else rights - lefts, (2.5, 97.5))
    size = after / before - 1.0 if relative else after - before
    return LevelShift(index, before, after, size, min(float(low), size), max(float(high), size), relative, p_value)


def _likely_medians(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Equally likely values of the true median, shaped (100,): those that rank where `median_interval` of the latency
    looks for it, at a hundred equal steps of its probability."""
    deviation, freedom = rank_deviation(values)
    ranks = (len(values) - 1) / 2.0 + _likely_deviations(freedom) * deviation
    return np.interp(ranks, np.arange(len(values)), np.sort(values))


@cache
def _likely_deviations(freedom: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = special.stdtrit(freedom, (np.arange(_LIKELY) + 0.5) / _LIKELY)
    return found


def _exact(index: int, before: float, after: float) -> LevelShift:
    relative = before > 0
    size = after / before - 1.0 if relative else after - before
    return LevelShift(index, before, after, size, size, size, relative)
