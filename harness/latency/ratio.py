"""Is the new side slower than the old one? Decided on interleaved blocks, never on two separate medians."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.latency.bootstrap import median_interval

Verdict = Literal["slower", "faster", "alike", "undecided"]


@dataclass(frozen=True)
class Ratio:
    """New time over old time: 1.05 is 5 % slower. `low` and `high` bound it at `confidence`.

    `verdict`: *slower* where the interval lies wholly above 1 + margin, *faster* where it lies wholly below
    1 / (1 + margin), *alike* where it lies between the two, *undecided* otherwise: more blocks would tell.
    """

    ratio: float
    low: float
    high: float
    blocks: int
    margin: float
    confidence: float
    verdict: Verdict


FEWEST_BLOCKS = 8
"""With fewer the percentile interval of a median is not worth its name: 2·(1/2)^8 < 1 % is where it can begin."""


def compare_blocks(
    old_ns: NDArray[np.integer | np.floating],
    new_ns: NDArray[np.integer | np.floating],
    margin: float = 0.02,
    confidence: float = 0.95,
    seed: int = 20171024,
) -> Ratio:
    """Bootstrap interval of the median block log-ratio, and the verdict against `margin` (a share: 0.02 is 2 %).

    Both arrays are shaped (blocks, iterations), in one unit of time; row i of both was measured side by side, in random
    order, so that what the machine did at that time is in both and cancels. A block's time is the median of its row;
    its log-ratio is one sample of the bootstrap, which keeps neighbouring blocks together only as far as they depend on
    each other. The rule and its rates are in docs/measured-facts.md: blocks of 5, 40 blocks, margin 2 %: 0 of
    20 false alarms, 20 of 20 found at +5 %.

    Fewer than `FEWEST_BLOCKS` blocks are always undecided. Raises ValueError on different numbers of blocks, none, a
    negative margin, or times that are not finite and positive.
    """
    if old_ns.ndim != 2 or new_ns.ndim != 2 or len(old_ns) != len(new_ns) or old_ns.size == 0 or new_ns.size == 0:
        raise ValueError(
            f"two arrays (blocks, iterations) of as many blocks needed, not {old_ns.shape}, {new_ns.shape}"
        )
    if margin < 0.0:
        raise ValueError(f"margin {margin} must not be negative")
    old, new = np.median(old_ns, axis=1), np.median(new_ns, axis=1)
    if not (np.isfinite(old).all() and np.isfinite(new).all() and (old > 0.0).all() and (new > 0.0).all()):
        raise ValueError("block times must be finite and positive; is the clock too coarse for the model?")
    logs = np.log(new) - np.log(old)
    low, high = median_interval(logs, confidence, block=_block(logs), resamples=4000, seed=seed)
    limit = math.log1p(margin)
    verdict: Verdict = "undecided"
    if len(logs) >= FEWEST_BLOCKS:
        if low > limit:
            verdict = "slower"
        elif high < -limit:
            verdict = "faster"
        elif low >= -limit and high <= limit:
            verdict = "alike"
    ratio, smallest, largest = (math.exp(value) for value in (float(np.median(logs)), low, high))
    return Ratio(ratio, smallest, largest, len(logs), margin, confidence, verdict)


def _block(logs: NDArray[np.float64]) -> int:
    """Neighbours kept together: one, unless the log-ratios of neighbouring blocks hang together beyond chance.

    Pairing takes out what the machine does to both sides; in random order within a block, little is left to depend on.
    """
    centred = np.sign(logs - np.median(logs))
    power = float((centred * centred).sum())
    if len(logs) < 10 or power == 0.0:
        return 1
    correlation = float((centred[1:] * centred[:-1]).sum()) / power
    return max(2, round(math.cbrt(len(logs)))) if correlation > 2.0 / math.sqrt(len(logs)) else 1
