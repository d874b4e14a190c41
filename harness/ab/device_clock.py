"""One round for targets with their own clock (a board's cycle counter). Each side is timed once, whole.

Nothing on this machine disturbs these figures, so alternating within a round would cancel nothing, and each switch
flashes a board. Rounds remain, in random order: they show the effect of each start."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.ab.interleave import Round
from harness.ab.side import Side
from harness.errors import Failed
from harness.target import TimingPlan

ROUNDS = 2
MOST_ROUNDS = 4
BLOCKS = 8
INVOCATIONS = 8
"""Invocations in a block."""
SECONDS = 30.0
"""Seconds per side: a slower side gets fewer invocations."""


def measure_by_device_clock(old: Side, new: Side, inputs: dict[str, NDArray[Any]], order: random.Random) -> Round:
    """Both sides once, in random order. Raises a `CaseError` where a side cannot be timed."""
    count = BLOCKS * INVOCATIONS
    plan = TimingPlan(min_iterations=count, min_seconds=0.0, max_iterations=count, max_seconds=SECONDS)
    blocks: dict[str, NDArray[np.float64]] = {}
    for which in order.sample(["old", "new"], 2):
        side = new if which == "new" else old
        with side.target.open(side.artifact) as session:
            samples = session.time(side.stored(inputs), plan).samples_ns
        if len(samples) < BLOCKS or not np.min(samples) > 0:
            raise Failed(f"{side.target.name} gave {len(samples)} timings in {SECONDS:g} s, too few to compare.")
        blocks[which] = np.array([float(np.median(part)) for part in np.array_split(samples, BLOCKS)])
    return Round(blocks["old"], blocks["new"], INVOCATIONS)
