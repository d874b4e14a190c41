"""What the samples of a timing run did over time, and where its steady part begins.

After Barrett et al., "Virtual Machine Warmup Blows Hot and Cold", OOPSLA 2017: change points cut the run into segments;
a run whose segments are all alike is *flat*, one that ends alike and began slower is a *warm-up*, one that ends alike
and began faster a *slow-down*, and one that keeps changing has *no* steady state. Three things differ from theirs,
because a shared machine interferes where their machines were silenced:

- change points are looked for in the medians of small blocks of the logarithm, winsorised, so that single spikes weigh
  nothing and a segment's level is a ratio;
- two segments are alike when their levels differ by less than `TOLERANCE`, or by less than chance allows;
- a short excursion that comes back (a burst of somebody else's work) is a disturbance, not a change of state, as long
  as disturbances stay a minority.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.latency.segmentation import best_segments
from harness.store.record import SteadyState

TOLERANCE = math.log(1.05)
"""Levels closer than 5 % are alike: between identical runs on a shared machine medians move by 3 % one time in four
(docs/measured-facts.md), so a smaller step says nothing about the runtime."""
BLOCKS = 128
"""Blocks at most: they place a change within 1 % of the run."""
SMALLEST_BLOCK = 3
"""Samples a block at least, so that a block's median ignores a single spike."""
STEADY_SHARE = 0.25
"""The steady part must be at least this share of the run, as in Barrett et al. (500 of 2000 iterations)."""
DISTURBED_SHARE = 0.25
"""Share of the steady state, from its begin on, that may lie in segments of another level."""
LAST_SHARE = 0.125
"""A last segment of another level that is longer than this share of the run is no disturbance: it has not come back."""
FEWEST = 16
"""Fewer samples than this cannot show a steady state."""


@dataclass(frozen=True)
class SteadyPart:
    """`begin` is the index of the first steady sample; for `none` it is 0, since no part is better than another."""

    state: SteadyState
    begin: int
    explanation: str


@dataclass(frozen=True)
class _Segment:
    begin: int
    end: int
    level: float
    alike: bool


def classify(samples: NDArray[np.integer | np.floating], clock_resolution: float | None = None) -> SteadyPart:
    """Classify `samples` in order of time, shaped (n,), not negative, any unit of time. Deterministic.

    `clock_resolution`, in the same unit, is the step of the clock that took them: levels one step apart are alike,
    however large a share of a short inference one step is (a browser's clock has 5 µs).

    Raises ValueError where a sample is not finite or is negative.
    """
    values = np.asarray(samples, dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0.0).any():
        raise ValueError("timing samples must be finite and not negative")
    count = len(values)
    if count < FEWEST:
        return SteadyPart(SteadyState.NONE, 0, f"{count} samples are too few to show a steady state")
    # A clock may be too coarse for the model: zeros become half of the smallest reading instead of −∞.
    positive = values[values > 0.0]
    logs = np.log(np.maximum(values, 0.5 * positive.min() if len(positive) else 1.0))
    tolerance = _tolerance(values, clock_resolution)
    size = max(SMALLEST_BLOCK, -(-count // BLOCKS))
    edges = _block_edges(count, size)
    levels = np.array([np.median(logs[begin:end]) for begin, end in itertools.pairwise(edges)])
    segments = _segments(levels, edges, tolerance)
    first = _first_steady(segments, count)
    if first is None:
        return SteadyPart(SteadyState.NONE, 0, "the level kept changing until the end of the run")
    begin = segments[first].begin
    drift = _drift(logs[begin:])
    if abs(drift) > tolerance:
        way = "up" if drift > 0.0 else "down"
        return SteadyPart(SteadyState.NONE, 0, f"drifting {way}: the last third is {abs(math.expm1(drift)):.0%} off")
    begin += _slow_prefix(logs[begin:], tolerance)
    level = float(np.median(logs[begin:]))
    if begin == 0:
        return SteadyPart(SteadyState.FLAT, 0, "one level from the begin")
    fastest = min((segment.level for segment in segments[:first] if not segment.alike), default=level)
    if fastest < level - tolerance or np.median(logs[:begin]) < level - 0.5 * tolerance:
        words = f"slower from sample {begin} on than before, by up to {math.expm1(level - fastest):.0%}"
        return SteadyPart(SteadyState.SLOWDOWN, begin, words)
    height = float(np.mean(logs[:begin])) - level
    # A warm-up decays, so its front is asked apart: it can stand out where the whole, on average, does not.
    front = max(1, begin // 4)
    stretches = ((begin, height), (front, float(np.mean(logs[:front])) - level))
    if height <= 0.0 or all(_happens_later(logs[begin:] - level, *stretch) for stretch in stretches):
        words = f"the first {begin} samples were slower, as others were later: disturbed, and discarded"
        return SteadyPart(SteadyState.FLAT, begin, words)
    return SteadyPart(SteadyState.WARMUP, begin, f"the first {begin} samples were {math.exp(height):.1f}x as slow")


def _tolerance(values: NDArray[np.float64], clock_resolution: float | None) -> float:
    """`TOLERANCE`, or one and a half steps of the clock where that is more: a step, and its rounding."""
    median = float(np.median(values))
    if not clock_resolution or clock_resolution <= 0.0 or median <= 0.0:
        return TOLERANCE
    return max(TOLERANCE, math.log1p(1.5 * clock_resolution / median))


def _block_edges(count: int, size: int) -> NDArray[np.int64]:
    """Begins of the blocks, and `count`; a last block shorter than half is joined to the one before."""
    edges = list(range(0, count, size))
    if len(edges) > 1 and count - edges[-1] < (size + 1) // 2:
        edges.pop()
    return np.array([*edges, count], dtype=np.int64)


def _noise(levels: NDArray[np.float64]) -> float:
    """Standard deviation of one block's level around its segment's: from neighbours, so that steps do not count.

    1.4826 · MAD of the first differences / √2; the larger of neighbours one and three apart, since interference that
    lasts several blocks makes direct neighbours look quieter than they are.
    """
    estimates = []
    for lag in (1, 3):
        difference = levels[lag:] - levels[:-lag]
        if len(difference):
            estimates.append(1.4826 * float(np.median(np.abs(difference))) / math.sqrt(2.0))
    return max([*estimates, 1e-4])


def _segments(levels: NDArray[np.float64], edges: NDArray[np.int64], tolerance: float) -> list[_Segment]:
    """The run cut at the change points of `levels` (blocks,); `edges` (blocks + 1,) turn blocks into samples."""
    noise = _noise(levels)
    # Winsorised around a running level, so that one extreme block cannot buy itself a segment.
    local = _running_median(levels, 5)
    clean = np.clip(levels, local - 3.0 * noise, local + 3.0 * noise) / noise
    # The penalty of a Schwarz criterion is 2·log(blocks) per change (level and place) at unit variance; it is doubled
    # since neighbouring blocks of a shared machine are not independent.
    penalty = 4.0 * math.log(len(clean))
    ends = best_segments(clean, penalty, smallest=2)
    begins = [0, *ends[:-1]]
    # What the run ended in: the level of most of its second half. The last segment could be a burst that came last.
    final = float(np.median(levels[len(levels) // 2 :]))
    segments = []
    for begin, end in zip(begins, ends, strict=True):
        level = float(np.median(levels[begin:end]))
        # 1.2533·σ/√n is the standard error of a median; three of them for one comparison among several.
        allowed = max(tolerance, 3.0 * 1.2533 * noise / math.sqrt(end - begin))
        segments.append(_Segment(int(edges[begin]), int(edges[end]), level, abs(level - final) <= allowed))
    return segments


def _running_median(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    half = width // 2
    padded = np.pad(values, half, mode="edge")
    result: NDArray[np.float64] = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    return result


def _first_steady(segments: list[_Segment], count: int) -> int | None:
    """Index of the earliest segment from which on the run is steady; None where there is none."""
    last = segments[-1]
    if not last.alike and last.end - last.begin > LAST_SHARE * count:
        return None
    for index, segment in enumerate(segments):
        if not segment.alike:
            continue
        rest = count - segment.begin
        disturbed = sum(later.end - later.begin for later in segments[index:] if not later.alike)
        if rest >= STEADY_SHARE * count and disturbed <= DISTURBED_SHARE * rest:
            return index
    return None


def _drift(logs: NDArray[np.float64]) -> float:
    """Change of level over the part: the median of its last third less that of its first, less what chance allows.

    Two standard errors of the difference are taken off; they are made of the medians of blocks, so that neighbours that
    hang together count once.
    """
    third = len(logs) // 3
    if third < 8:
        return 0.0
    pieces = min(16, third // 4)
    ends = [part[: third // pieces * pieces].reshape(pieces, -1) for part in (logs[:third], logs[-third:])]
    medians = [np.median(part, axis=1) for part in ends]
    change = float(np.median(logs[-third:]) - np.median(logs[:third]))
    error = 1.2533 * math.sqrt(sum(float(np.var(part)) for part in medians) / pieces)
    return math.copysign(max(0.0, abs(change) - 2.0 * error), change)


def _slow_prefix(logs: NDArray[np.float64], tolerance: float) -> int:
    """How many samples at the begin are all slower than nineteen twentieths of the rest: a warm-up within one block."""
    limit = max(float(np.quantile(logs, 0.95)), float(np.median(logs)) + tolerance)
    slow = logs > limit
    length = len(slow) if slow.all() else int(np.argmin(slow))
    return length if length < len(logs) // 4 else 0


def _happens_later(excess: NDArray[np.float64], length: int, height: float) -> bool:
    """Whether a stretch as long and four fifths as slow as the slow begin comes again: the begin was a disturbance.

    `excess` (n,) is the logarithm over the steady level, `height` its mean over the `length` samples of the begin.
    """
    if len(excess) < length:
        return False
    # Winsorised, so that one spike does not make a stretch.
    sums = np.concatenate([[0.0], np.cumsum(np.clip(excess, -height, 2.0 * height))])
    return bool((sums[length:] - sums[:-length]).max() >= 0.8 * height * length)
