"""`run --plan`: what would be run, and about how long it takes."""

from __future__ import annotations

import json

from harness.cli.inventory import console
from harness.cli.placing import SchedulerOptions, chosen_cases
from harness.paths import cache_directory, project_root
from harness.project import model_entries
from harness.run.costs import StepDurations, in_words
from harness.run.estimate import Estimate, estimate
from harness.run.matrix import Selection


def show_plan(
    selection: Selection,
    *,
    parity_only: bool,
    budget: float | None,
    as_json: bool,
    places: SchedulerOptions | None = None,
) -> int:
    """Print the cases of a selection by target, with an estimate of each part. Nothing is started or installed."""
    root = project_root()
    options = (places or SchedulerOptions()).completed(root)
    with chosen_cases(selection, model_entries(root, budget), options) as chosen:
        found = estimate(chosen, StepDurations(cache_directory()), parity_only=parity_only)
    if as_json:
        print(json.dumps(_document(found), indent=1))
    else:
        _print(found)
    return 0


def _document(estimate: Estimate) -> dict[str, object]:
    return {
        "cases": [
            {"case": name, "seconds": round(seconds, 1), "known": known} for name, seconds, known in estimate.cases
        ],
        "conversion_seconds": round(estimate.conversion_seconds, 1),
        "comparison_seconds": round(estimate.comparison_seconds, 1),
        "timing_seconds": round(estimate.timing_seconds, 1),
        "wall_seconds": round(estimate.wall_seconds, 1),
        "workers": estimate.workers,
    }


def _print(estimate: Estimate) -> None:
    from rich.table import Table

    table = Table("Target", "Cases", "About", "Slowest")
    for target, (count, seconds, slowest) in estimate.by_target().items():
        table.add_row(target, str(count), in_words(seconds), slowest)
    screen = console()
    screen.print(table)
    known = sum(known for _, _, known in estimate.cases)
    conversion, comparison = in_words(estimate.conversion_seconds), in_words(estimate.comparison_seconds)
    screen.print(
        f"{len(estimate.cases)} cases: about {in_words(estimate.wall_seconds)} on {estimate.workers} cores, if nothing "
        f"is in the cache ("
        f"{conversion} of conversion, {comparison} of comparing, {in_words(estimate.timing_seconds)} of "
        f"timing). {known} of the cases ran here before; the others are guesses.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
