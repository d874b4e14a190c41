"""The steps that stand between a case and its comparison: what each stands on, and which goes before which."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.run.costs import SLOW_SECONDS, StepDurations
from harness.run.matrix import Case
from harness.run.schedule import SLOW, ScheduledStep

STAGES = {
    "prepare": "Preparing models",
    "convert": "Converting",
    "reference": "Running the reference",
    "set up": "Setting up targets",
    "compare": "Comparing outputs",
}

NOWHERE_ELSE: Mapping[str, Any] = {}

StepKey = tuple[str, Any]
"""The stage, a key of `STAGES`, and what it is done to."""

COMPARING = 0
REFERRING = 1
CONVERTING = 2
PREPARING = 3
COMPARING_SLOWLY = 4
"""Ranks, lowest first. The step that most work stands on goes first, so that the first model is judged before the
last is converted."""
COMPARING_SLOWLY_ELSEWHERE = -1
"""Rank of slow comparisons at other places. A place converts nothing that others wait for, so it starts its longest
work first and leaves one worker for the rest. Otherwise all would wait for that work at the end
(`tests/harness/run/test_order.py` has the figures)."""


def step_keys(case: Case) -> tuple[StepKey, StepKey, StepKey, StepKey, StepKey]:
    """The keys of a case's steps, in the order of `STAGES`. Where one of them ends in an error, so does the case."""
    recipe = recipe_of(case)
    return (
        ("prepare", case.model.name),
        ("convert", recipe),
        ("reference", recipe),
        ("set up", case.name.target),
        ("compare", case.id),
    )


def recipe_of(case: Case) -> tuple[str, str, str]:
    """Model, format and variant: cases that share them share one artifact."""
    return case.model.name, case.format.name, case.variant.name


def case_steps(
    case: Case,
    work: Mapping[str, Callable[[Case], Any]],
    costs: StepDurations,
    anywhere: Mapping[str, Callable[[Case, str], Any]] = NOWHERE_ELSE,
) -> Iterator[ScheduledStep]:
    """The steps of one case. Steps of two cases with the same key are the same.

    Args:
        work: for each stage of `STAGES`, the function that does it for a case.
        costs: says how many seconds a step takes, and learns how many it took.
        anywhere: for stages that may be done anywhere, the function that does it for a case at a place by its name.
    """
    preparing, converting, referring, setting_up, comparing = step_keys(case)
    recipe, variant = str(recipe_of(case)), f"{case.model.name} as {case.variant.name} ({case.format.name})"

    def step(
        key: StepKey,
        doing: str,
        rank: int,
        seconds: float,
        needs: tuple[StepKey, ...] = (),
        slot: str = "",
        place: str = "",
    ) -> ScheduledStep:
        def elsewhere(do: Callable[[Case, str], Any]) -> Callable[[str], Any]:
            return lambda where: timed(key, lambda case: do(case, where), case, costs)

        there = anywhere.get(key[0])
        return ScheduledStep(
            key=key,
            doing=doing,
            work=lambda: timed(key, work[key[0]], case, costs),
            needs=needs,
            rank=rank,
            seconds=seconds,
            slot=slot,
            stage=STAGES[key[0]],
            place=place,
            at=elsewhere(there) if there is not None else None,
        )

    yield step(preparing, f"Preparing {case.model.name}", PREPARING, costs.of_stage("prepare", case.model.name))
    yield step(converting, f"Converting {variant}", CONVERTING, costs.of_stage("convert", recipe), (preparing,))
    referring_takes = costs.of_stage("reference", recipe)
    yield step(referring, f"Running the reference on {variant}", REFERRING, referring_takes, (converting,))
    yield step(setting_up, f"Setting up {case.name.target}", COMPARING, 0.0, (), "set up", case.place.name)
    seconds = costs.of_case(case.name, case.target)
    rank, slot = (COMPARING_SLOWLY, SLOW) if seconds > SLOW_SECONDS else (COMPARING, "")
    if slot and case.place.name:
        rank = COMPARING_SLOWLY_ELSEWHERE
    yield step(comparing, f"Comparing {case.id}", rank, seconds, (referring, setting_up), slot, case.place.name)


def timed(key: StepKey, work: Callable[[Case], Any], case: Case, costs: StepDurations) -> Any:
    """What `work` gives. `costs` learns how long it took, but not of None: that was known from an earlier run."""
    begun = time.monotonic()
    result = work(case)
    if result is not None:
        costs.learn(f"{key[0]} {key[1]}", time.monotonic() - begun)
    return result
