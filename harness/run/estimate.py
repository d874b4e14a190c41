"""What a run would take, from what its parts took before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from harness.run.costs import StepDurations
from harness.run.matrix import Case
from harness.target import TimingPlan

SETTLING = 2.0
"""Factor by which a timing, in the median, exceeds its shortest duration: it includes start, warm-up and the samples
themselves."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of each part, one after another; `wall_seconds` with as many side by side as there are workers."""

    cases: tuple[tuple[str, float, bool], ...]
    """Name, seconds of comparing, and whether it was measured here before; slowest first."""
    conversion_seconds: float
    timing_seconds: float
    workers: int

    @property
    def comparison_seconds(self) -> float:
        return sum(seconds for _, seconds, _ in self.cases)

    @property
    def wall_seconds(self) -> float:
        return (self.conversion_seconds + self.comparison_seconds) / self.workers + self.timing_seconds

    def by_target(self) -> dict[str, tuple[int, float, str]]:
        """Target → how many cases, their seconds, and the model of the slowest."""
        found: dict[str, tuple[int, float, str]] = {}
        for name, seconds, _ in self.cases:  # slowest first
            model, variant, target = name.split("/", 2)
            count, total, slowest = found.get(target, (0, 0.0, f"{model} as {variant}"))
            found[target] = (count + 1, total + seconds, slowest)
        return found


def estimate(
    cases: Sequence[Case], costs: StepDurations, *, parity_only: bool, plan: TimingPlan | None = None
) -> Estimate:
    """What the cases would take where nothing is in the cache. A case that nobody has seen is taken to cost what the
    others of its target did, and never more than its start and its budget."""
    plan = plan or TimingPlan()
    named = []
    for case in cases:
        known = costs.knows(case.name)
        seconds = costs.of_case(case.name, case.target)
        named.append((case.id, seconds if known else min(seconds, case.model.budget.seconds * 3.0), known))
    models = {case.model.name for case in cases}
    recipes = {(case.model.name, case.format.name, case.variant.name) for case in cases}
    conversion = sum(costs.of_stage("prepare", model) for model in models)
    conversion += sum(costs.of_stage(stage, str(recipe)) for recipe in recipes for stage in ("convert", "reference"))
    timed = 0 if parity_only else sum(case.timed for case in cases)
    timing = timed * plan.min_seconds * SETTLING
    named.sort(key=lambda one: (-one[1], not one[2]))  # of equal ones the measured first: a guess names nothing
    return Estimate(tuple(named), conversion, timing, os.cpu_count() or 1)
