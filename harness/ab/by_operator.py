"""Which operators became slower or faster: two live sessions, each in turn timed operator by operator.

Apart from the verdict on the whole, which timing every operator would disturb.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.ab.plan import BlockPlan
from harness.ab.side import Side
from harness.latency.statistics import typical
from harness.target import TimingPlan

ROUNDS = 8
"""Fresh processes, because each has a bias of its own: TensorFlow.js on the processor gives an operator up to 8 % more
time or less. Two leaned the same way by more than the margin in 4 of 14 trials of equal sides."""
PAIRS = 3
MOST_SECONDS = 300.0
"""What would take longer is left out: the verdict waits for it."""
ONE = TimingPlan(1, 0.0, max_iterations=1, max_seconds=30.0, per_operator=True, operator_seconds=0.02)

Times = dict[tuple[str, str], float]
"""Operator and shape of its results → nanoseconds in an inference."""


@dataclass(frozen=True)
class OperatorRatio:
    """One kind of operator on both sides: new time over old, with its interval, and its share of the old time."""

    operator: str
    shape: str
    ratio: float
    low: float
    high: float
    share: float


def changed_operators(
    old: Side, new: Side, inputs: dict[str, NDArray[Any]], plan: BlockPlan
) -> tuple[OperatorRatio, ...]:
    """The operators that became slower or faster by more than the plan's margin, those that weigh most first. None
    where a side does not tell, or takes too long to ask. Raises a `CaseError` where a side cannot be timed."""
    if old.target.own_clock or new.target.own_clock:  # which counts the whole alone, and is flashed to be asked
        return ()
    order = random.Random(plan.seed)
    rounds: list[list[tuple[Times, Times]]] = []
    for _ in range(ROUNDS):
        with ExitStack() as stack:
            opening = time.monotonic()
            pair = [old, new]
            order.shuffle(pair)
            sessions = {side is new: stack.enter_context(side.target.open(side.artifact)) for side in pair}
            samples = {False: old.stored(inputs), True: new.stored(inputs)}
            found: list[tuple[Times, Times]] = []
            opened = time.monotonic() - opening
            for _ in range(PAIRS + 1):
                begun = time.monotonic()
                block: dict[bool, Times] = {}
                for which in order.sample([False, True], 2):
                    timing = sessions[which].time(samples[which], ONE)
                    if not timing.per_operator:
                        return ()
                    block[which] = {
                        (one.operator, one.shape): typical(one.samples_ns, timing.clock_resolution_ns)
                        for one in timing.per_operator
                    }
                found.append((block[False], block[True]))
                if (opened + (time.monotonic() - begun) * (PAIRS + 1)) * ROUNDS > MOST_SECONDS:
                    return ()
            rounds.append(found[1:])  # the first warms up
    return compare_times(rounds, plan.margin, plan.confidence)


def compare_times(
    rounds: Sequence[Sequence[tuple[Times, Times]]], margin: float, confidence: float
) -> tuple[OperatorRatio, ...]:
    """As `changed_operators`, from the times of pairs of blocks, by round.

    An operator's interval is Student's, of the mean over the rounds of the median log-ratio in each: pairs of the same
    two processes share their bias. Its confidence is for all operators together (Bonferroni). One that took less than
    the clock's step on a side says nothing.
    """
    pairs = [pair for one in rounds for pair in one]
    both = [
        key for key in pairs[0][0] if all(before.get(key, 0) > 0 and after.get(key, 0) > 0 for before, after in pairs)
    ]
    if not both:
        return ()
    each = 1.0 - (1.0 - confidence) / len(both)
    total = float(np.median([sum(before.values()) for before, _ in pairs]))
    limit = math.log1p(margin)
    found = []
    for key in both:
        logs = [np.median([math.log(after[key] / before[key]) for before, after in one]) for one in rounds]
        middle, reach = float(np.mean(logs)), _reach(logs, each)
        if abs(middle) - reach > limit:
            share = float(np.median([before[key] for before, _ in pairs])) / total
            found.append(
                OperatorRatio(*key, math.exp(middle), math.exp(middle - reach), math.exp(middle + reach), share)
            )
    return tuple(sorted(found, key=lambda one: -abs(one.ratio - 1.0) * one.share))


def _reach(values: Sequence[float], confidence: float) -> float:
    """Half the length of Student's interval of the mean of independent values; infinite for fewer than two."""
    if len(values) < 2:
        return math.inf
    from scipy.special import stdtrit  # imported here: SciPy takes long to load

    factor = float(stdtrit(len(values) - 1, 0.5 + confidence / 2.0))
    return factor * float(np.std(values, ddof=1)) / math.sqrt(len(values))


def operator_in_words(one: OperatorRatio) -> str:
    """`FusedConv2D of 1×8×8×16: +10.2 % (between +8.9 and +11.6 %), 35 % of the old side's time`."""
    share, low, high = (f"{(value - 1.0) * 100.0:+.1f}" for value in (one.ratio, one.low, one.high))
    of = f" of {one.shape}" if one.shape else ""
    return f"{one.operator}{of}: {share} % (between {low} and {high} %), {one.share:.0%} of the old side's time"
