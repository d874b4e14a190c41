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

from harness.store.record import SteadyState

TOLERANCE = math.log(1.05)
"""Levels closer than 5 % are alike: between identical runs on a shared machine medians move by 3 % one time in four
(FACTS, timing rules), so a smaller step says nothing about the runtime."""
BLOCKS = 128
"""At most so many blocks: PELT's cost grows with their number, and 128 place a change within 1 % of the run."""
STEADY_SHARE = 0.25
"""The steady part must be at least this share of the run, as in Barrett et al. (500 of 2000 iterations)."""
DISTURBED_SHARE = 0.25
"""From the steady state's begin on, at most this share may lie in segments of another level."""
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


def classify(samples: NDArray[np.integer | np.floating]) -> SteadyPart:
    """Classify `samples` in order of time, shaped (n,), positive, any unit of time. Deterministic.

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
    size = -(-count // BLOCKS)
    edges = _block_edges(count, size)
    levels = np.array([np.median(logs[begin:end]) for begin, end in itertools.pairwise(edges)])
    segments = _segments(levels, edges)
    first = _first_steady(segments, count)
    if first is None:
        return SteadyPart(SteadyState.NONE, 0, "the level kept changing until the end of the run")
    begin = segments[first].begin
    settled = logs[begin:]
    drift = _drift(settled)
    if abs(drift) > TOLERANCE:
        way = "up" if drift > 0.0 else "down"
        return SteadyPart(SteadyState.NONE, 0, f"still drifting {way} by {abs(math.expm1(drift)):.0%} at the end")
    begin += _slow_prefix(settled)
    before = [segment for segment in segments[:first] if not segment.alike]
    steady_level = float(np.median(settled))
    if not before:
        # A prefix of a few slow samples is discarded too, but counts as warm-up only from one block's length on.
        if begin > max(3, size):
            return SteadyPart(SteadyState.WARMUP, begin, f"the first {begin} samples were slower")
        return SteadyPart(SteadyState.FLAT, begin, "one level from the begin")
    fastest = min(segment.level for segment in before)
    if fastest < steady_level - TOLERANCE:
        change = math.expm1(steady_level - fastest)
        return SteadyPart(SteadyState.SLOWDOWN, begin, f"{change:.0%} slower from sample {begin} on than before")
    slowest = max(segment.level for segment in before)
    return SteadyPart(
        SteadyState.WARMUP, begin, f"up to {math.exp(slowest - steady_level):.1f}x slower before sample {begin}"
    )


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


def _segments(levels: NDArray[np.float64], edges: NDArray[np.int64]) -> list[_Segment]:
    """The run cut at the change points of `levels` (blocks,); `edges` (blocks + 1,) turn blocks into samples."""
    from ruptures import KernelCPD  # imported here: it loads SciPy, which no command but this one needs

    noise = _noise(levels)
    # Winsorised around a running level, so that one extreme block cannot buy itself a segment.
    local = _running_median(levels, 5)
    clean = np.clip(levels, local - 3.0 * noise, local + 3.0 * noise) / noise
    # The penalty of a Schwarz criterion is 2·log(blocks) per change (level and place) at unit variance; it is doubled
    # since neighbouring blocks of a shared machine are not independent.
    penalty = 4.0 * math.log(len(clean))
    # PELT (Killick, Fearnhead and Eckley 2012) written in C: with the linear kernel its cost is the squared error, and
    # it finds what `Pelt(model="l2", jump=1)` finds, a hundred times sooner.
    ends = KernelCPD(kernel="linear", min_size=2).fit(clean.reshape(-1, 1)).predict(pen=penalty)
    begins = [0, *ends[:-1]]
    final = float(np.median(levels[_reference_begin(begins, ends, len(levels)) :]))
    segments = []
    for begin, end in zip(begins, ends, strict=True):
        level = float(np.median(levels[begin:end]))
        # 1.2533·σ/√n is the standard error of a median; three of them for one comparison among several.
        allowed = max(TOLERANCE, 3.0 * 1.2533 * noise / math.sqrt(end - begin))
        segments.append(_Segment(int(edges[begin]), int(edges[end]), level, abs(level - final) <= allowed))
    return segments


def _reference_begin(begins: list[int], ends: list[int], blocks: int) -> int:
    """First block of what the end of the run is: the last segments that make up an eighth of the blocks.

    The last segment alone could be a burst that happened to come last.
    """
    wanted = blocks - max(2, blocks // 8)
    return min(max(begin for begin, end in zip(begins, ends, strict=True) if begin <= wanted), wanted)


def _running_median(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    half = width // 2
    padded = np.pad(values, half, mode="edge")
    result: NDArray[np.float64] = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    return result


def _first_steady(segments: list[_Segment], count: int) -> int | None:
    """Index of the earliest segment from which on the run is steady; None where there is none."""
    for index, segment in enumerate(segments):
        if not segment.alike:
            continue
        rest = count - segment.begin
        disturbed = sum(later.end - later.begin for later in segments[index:] if not later.alike)
        if rest >= STEADY_SHARE * count and disturbed <= DISTURBED_SHARE * rest:
            return index
    return None


def _drift(logs: NDArray[np.float64]) -> float:
    """Change of level over the part: the median of its last third against that of its first, made whole (3/2)."""
    third = len(logs) // 3
    if third < 5:
        return 0.0
    return 1.5 * float(np.median(logs[-third:]) - np.median(logs[:third]))


def _slow_prefix(logs: NDArray[np.float64]) -> int:
    """How many samples at the begin are all slower than nineteen twentieths of the rest: a warm-up within one block."""
    limit = max(float(np.quantile(logs, 0.95)), float(np.median(logs)) + TOLERANCE)
    slow = logs > limit
    length = len(slow) if slow.all() else int(np.argmin(slow))
    return length if length < len(logs) // 4 else 0
