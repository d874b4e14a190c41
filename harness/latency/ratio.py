"""What a comparison of two sides says: a ratio with its interval, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RatioVerdict = Literal["slower", "faster", "alike", "undecided"]


@dataclass(frozen=True)
class Ratio:
    """New time over old time: 1.05 is 5 % slower. `low` and `high` are the ends of its interval at `confidence`.

    `verdict` is *slower* where the interval lies wholly above 1 + margin, *faster* where it lies wholly below
    1 / (1 + margin), and *alike* where it lies between the two. Else it is *undecided*: more blocks are needed."""

    ratio: float
    low: float
    high: float
    blocks: int
    margin: float
    confidence: float
    verdict: RatioVerdict


FEWEST_BLOCKS = 8
"""Number of blocks below which the percentile interval of a median is not worth its name: 2·(1/2)^8 < 1 % is where it
can begin."""
