"""Rounds in, verdict out: the bootstrap interval of the median block log-ratio against a margin.

The bootstrap has two levels: rounds are drawn, then blocks within each, because blocks of one round share the bias of
their two processes. A plain bootstrap over all blocks would take that bias for a difference between the sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.ab.interleave import Round
from harness.latency.ratio import FEWEST_BLOCKS, Ratio, RatioVerdict

RESAMPLES = 4000
_SEED = 20171024


def decide(rounds: Sequence[Round], margin: float, confidence: float) -> Ratio:
    """New over old, from all blocks of all rounds. Raises ValueError without a round or with a margin below zero."""
    if not rounds or margin < 0.0:
        raise ValueError("at least one round and a margin of zero or more are needed")
    logs = [item.log_ratios for item in rounds]
    low, high = interval(logs, confidence)
    blocks = sum(len(part) for part in logs)
    limit = math.log1p(margin)
    verdict: RatioVerdict = "undecided"
    if blocks >= FEWEST_BLOCKS:
        if low > limit:
            verdict = "slower"
        elif high < -limit:
            verdict = "faster"
        elif low >= -limit and high <= limit:
            verdict = "alike"
    ratio, smallest, largest = (math.exp(value) for value in (float(np.median(np.concatenate(logs))), low, high))
    return Ratio(ratio, smallest, largest, blocks, margin, confidence, verdict)


def interval(logs: Sequence[NDArray[np.float64]], confidence: float) -> tuple[float, float]:
    """Percentile interval of the median of all values, with rounds as clusters; it always holds the median itself."""
    generator = np.random.Generator(np.random.Philox(_SEED))
    shortest = min(len(part) for part in logs)
    # Rounds of unequal length (a slow one is cut short) are drawn at the length of the shortest.
    drawn = generator.integers(0, len(logs), size=(RESAMPLES, len(logs)))
    inner = generator.random((RESAMPLES, len(logs), shortest))
    lengths = np.array([len(part) for part in logs])
    padded = np.zeros((len(logs), int(lengths.max())))
    for row, part in enumerate(logs):
        padded[row, : len(part)] = part
    places = (inner * lengths[drawn][:, :, None]).astype(np.int64)
    medians = np.median(padded[drawn[:, :, None], places].reshape(RESAMPLES, -1), axis=1)
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(medians, (tail, 100.0 - tail))
    median = float(np.median(np.concatenate(logs)))
    return min(float(low), median), max(float(high), median)


@dataclass(frozen=True)
class Finding:
    """The result of a comparison. `verdict` is *slower* only if fresh processes said so a second time."""

    verdict: RatioVerdict
    first: Ratio
    confirmation: Ratio | None
    seconds: float
    rounds: tuple[Round, ...]

    @property
    def ratio(self) -> Ratio:
        """The figures to quote: the confirmation's, which nothing was selected on, where there is one."""
        return self.confirmation or self.first

    @property
    def resolution_ns(self) -> float | None:
        """The coarsest clock (or GPU timer) step seen, in nanoseconds; None if unknown."""
        return max((item.resolution_ns for item in self.rounds if item.resolution_ns), default=None)

    @property
    def software(self) -> bool:
        """Whether a side said that a software renderer did its work, whatever was expected of it."""
        return any(item.software for item in self.rounds)

    @property
    def sides_ns(self) -> tuple[float, float]:
        """A time of the old and of the new side, in nanoseconds, whose ratio is exactly the quoted one.

        The two medians alone need not have that ratio, because the machine's pace changes from pair to pair while
        the ratio is the median over pairs. Both times are taken from the blocks that the ratio stands on, around the
        median of the pairs' geometric means."""
        blocks: list[NDArray[np.float64]] = []
        counted = 0
        for item in reversed(self.rounds):  # a confirmation's rounds are the last
            if counted >= self.ratio.blocks and blocks:
                break
            blocks.append(np.sqrt(item.old_ns.astype(np.float64) * item.new_ns.astype(np.float64)))
            counted += len(item.old_ns)
        middle, half = float(np.median(np.concatenate(blocks))), math.sqrt(self.ratio.ratio)
        return middle / half, middle * half
