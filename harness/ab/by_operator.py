"""Which operators became slower or faster: two live sessions, each in turn timed operator by operator.

Apart from the verdict on the whole, which timing every operator would disturb.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.ab.block_plan import BlockPlan
from harness.ab.side import Side, both_opened
from harness.latency.statistics import typical
from harness.target import TimingPlan

LOOKS = (8, 16, 24)
"""Numbers of fresh processes after which a decision is tried. Each process has its own bias: TensorFlow.js on the
processor gives an operator up to 8 % more time or less. Two processes leaned the same way by more than the margin in
4 of 14 trials of equal sides. More processes are begun only where an operator may have changed and the intervals
leave it open."""
PAIRS = 3
MOST_SECONDS = 300.0
"""Seconds that asking for operators may take. If it would take longer it is left out, because the verdict waits for
it."""
ONE = TimingPlan(1, 0.0, max_iterations=1, max_seconds=30.0, per_operator=True, operator_seconds=0.02)

Times = dict[tuple[str, str], float]
"""Operator and shape of its results → nanoseconds in an inference."""
Round = list[tuple[Times, Times]]
"""Pairs of blocks of the same two processes, old and new."""


@dataclass(frozen=True)
class OperatorRatio:
    """One kind of operator on both sides: new time over old, with its interval, and its share of the old time."""

    operator: str
    shape: str
    ratio: float
    low: float
    high: float
    share: float

    def changed(self, margin: float) -> bool:
        """Whether all of the interval is beyond the margin."""
        return self.low > 1.0 + margin or self.high < 1.0 / (1.0 + margin)

    def leaning(self, margin: float) -> bool:
        """Whether the ratio itself is beyond the margin."""
        return not 1.0 / (1.0 + margin) <= self.ratio <= 1.0 + margin


def changed_operators(
    old: Side, new: Side, inputs: dict[str, NDArray[Any]], plan: BlockPlan
) -> tuple[OperatorRatio, ...]:
    """The operators that became slower or faster by more than the plan's margin, those that weigh most first. Empty
    if a side reports no operator times or asking takes too long. Raises a `CaseError` where a side cannot be timed."""
    if old.target.own_clock or new.target.own_clock:  # which counts the whole alone, and is flashed to be asked
        return ()
    order = random.Random(plan.seed)
    begun, done = time.monotonic(), 0

    def draw(look: int) -> Round:
        """Another round of the `look` rounds wanted. Empty if a side reports no operator times or the round would
        take too long."""
        nonlocal done
        if done and (time.monotonic() - begun) / done * look > MOST_SECONDS:
            return []
        done += 1
        return _time_round(old, new, inputs, order, MOST_SECONDS / look)

    return find_changed(draw, plan.margin, plan.confidence)


def find_changed(draw: Callable[[int], Round], margin: float, confidence: float) -> tuple[OperatorRatio, ...]:
    """Same as `changed_operators`, but rounds come from `draw(look)`: it gets the number of rounds wanted and returns
    an empty round if none can be had. `confidence` covers all looks together."""
    each = 1.0 - (1.0 - confidence) / len(LOOKS)
    rounds: list[Round] = []
    for look in LOOKS:
        while len(rounds) < look:
            one = draw(look)
            if not one:
                return ()
            rounds.append(one)
        ratios = compare_times(rounds, each)
        found = [ratio for ratio in ratios if ratio.changed(margin)]
        if found or not any(ratio.leaning(margin) for ratio in ratios):
            return tuple(sorted(found, key=lambda ratio: -abs(ratio.ratio - 1.0) * ratio.share))
    return ()


def _time_round(
    old: Side, new: Side, inputs: dict[str, NDArray[Any]], order: random.Random, most_seconds: float
) -> Round:
    """Pairs of blocks of two fresh processes. Empty if a side reports no operator times or the blocks would take
    longer than `most_seconds`."""
    begun = time.monotonic()
    with both_opened(old, new, order) as sessions:
        samples = {"old": old.stored(inputs), "new": new.stored(inputs)}
        opened = time.monotonic()
        found: Round = []
        for _ in range(PAIRS + 1):
            block: dict[str, Times] = {}
            for which in order.sample(["old", "new"], 2):
                timing = sessions[which].time(samples[which], ONE)
                if not timing.per_operator:
                    return []
                block[which] = {
                    (one.operator, one.shape): typical(one.samples_ns, timing.clock_resolution_ns)
                    for one in timing.per_operator
                }
            found.append((block["old"], block["new"]))
            pair_seconds = (time.monotonic() - opened) / len(found)
            if opened - begun + pair_seconds * (PAIRS + 1) > most_seconds:
                return []
        return found[1:]  # the first warms up


def compare_times(rounds: Sequence[Round], confidence: float) -> tuple[OperatorRatio, ...]:
    """Every operator's time on the new side over that on the old, from pairs of blocks, by round.

    An operator's interval is Student's, of the mean over the rounds of the median log-ratio in each: pairs of the same
    two processes share their bias. The confidence is for all operators together (Bonferroni). One that took less than
    the clock's step on a side says nothing.
    """
    pairs = [pair for one in rounds for pair in one]
    both = [
        key for key in pairs[0][0] if all(before.get(key, 0) > 0 and after.get(key, 0) > 0 for before, after in pairs)
    ]
    total = float(np.median([sum(before.values()) for before, _ in pairs]))
    found = []
    for key in both:
        logs = [np.median([math.log(after[key] / before[key]) for before, after in one]) for one in rounds]
        middle, reach = float(np.mean(logs)), _half_width(logs, 1.0 - (1.0 - confidence) / len(both))
        share = float(np.median([before[key] for before, _ in pairs])) / total
        found.append(OperatorRatio(*key, math.exp(middle), math.exp(middle - reach), math.exp(middle + reach), share))
    return tuple(found)


def _half_width(values: Sequence[float], confidence: float) -> float:
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
