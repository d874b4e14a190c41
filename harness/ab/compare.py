"""Compares two sides: measures rounds until they decide, and confirms *slower* and *faster* in fresh processes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from harness.ab.block_plan import DEFAULT_PLAN, BlockPlan
from harness.ab.decide import Finding, decide
from harness.ab.device_clock import MOST_ROUNDS, ROUNDS, measure_by_device_clock
from harness.ab.interleave import Round, measure_round
from harness.ab.side import Side
from harness.latency.ratio import Ratio

Measure = Callable[[random.Random], Round]


def compare_sides(old: Side, new: Side, inputs: dict[str, NDArray[Any]], plan: BlockPlan = DEFAULT_PLAN) -> Finding:
    """Time `new` against `old` on the first of real `inputs`. To be run alone on its machine.

    Raises a `CaseError` where a side cannot be timed.
    """
    if old.target.own_clock and new.target.own_clock:
        few = replace(plan, rounds=ROUNDS, fewest_rounds=ROUNDS, most_rounds=MOST_ROUNDS)
        return compare_rounds(lambda order: measure_by_device_clock(old, new, inputs, order), few)
    return compare_rounds(lambda order: measure_round(old, new, inputs, plan, order), plan)


def compare_rounds(measure: Measure, plan: BlockPlan = DEFAULT_PLAN) -> Finding:
    """Decides by the rounds that `measure` gives.

    The verdict is *slower* or *faster* only if a second set of rounds, in processes of its own, says the same. If
    the two sets disagree, the verdict is *undecided*; the machine caused the difference."""
    order = random.Random(plan.seed)
    begun = time.monotonic()
    first, rounds = _rounds_until_decided(measure, plan, order)
    verdict, confirmation = first.verdict, None
    if verdict in ("slower", "faster"):
        confirmation, more = _rounds_until_decided(measure, plan, order)
        rounds += more
        if confirmation.verdict != verdict:
            verdict = "undecided"
    return Finding(verdict, first, confirmation, time.monotonic() - begun, tuple(rounds))


def _rounds_until_decided(measure: Measure, plan: BlockPlan, order: random.Random) -> tuple[Ratio, list[Round]]:
    """Rounds until there are enough and they decide, or the time is up."""
    rounds: list[Round] = []
    begun = time.monotonic()
    while True:
        rounds.append(measure(order))
        too_long = time.monotonic() - begun >= plan.stage_seconds
        if len(rounds) < plan.rounds and not (too_long and len(rounds) >= plan.fewest_rounds):
            continue
        result = decide(rounds, plan.margin, plan.confidence)
        if result.verdict != "undecided" or too_long or len(rounds) >= plan.most_rounds:
            return result, rounds
