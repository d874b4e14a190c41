"""`profile`: where the instructions of a case go, operator by operator, as a record has it."""

from __future__ import annotations

import json
from pathlib import Path

from harness.cache import Cache
from harness.cli.inventory import console, plain_table
from harness.cli.locating import case_of
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import HarnessError
from harness.exchange.model_explorer import opening_line, write_overlay
from harness.paths import cache_directory, results_directory
from harness.report.microcontroller import MOST_OPERATORS, operator_bars
from harness.store.record import CaseResult
from harness.store.runs import RunStore

_BAR = 24
"""Characters of the longest bar."""


def profile_case(name: str, run: str | None, overlay: str | None, *, as_json: bool) -> int:
    """Print what each operator takes, and write it for Model Explorer where that is asked for. Raises `HarnessError`
    where no record has it."""
    where, case = profiled(name, run, RunStore(results_directory()))
    written = overlaid(case, Path(overlay)) if overlay is not None else None
    if as_json:
        operators = [cost.model_dump(mode="json") for cost in case.measured.per_operator]
        print(json.dumps({"case": name, "run": where, "unit": "instructions", "operators": operators}, indent=1))
        return 0
    print_profile(case, where)
    if written is not None:
        print(written)
    return 0


def profiled(name: str, run: str | None, store: RunStore) -> tuple[str, CaseResult]:
    """The id of a record and the case in it: of the run that is named, or else of the newest that has figures per
    operator."""
    records = [store.find(run)] if run is not None else (store.read(path) for path in reversed(store.paths()))
    why = ""
    for record in records:
        case = next((case for case in record.cases if str(case.name) == name), None)
        if case is not None and case.measured.per_operator:
            return record.id, case
        if case is not None and not why:
            why = why_none(case)
    asked = case_of(name).id  # says what there is where the name names nothing
    where = f"the run {run}" if run is not None else "any run"
    raise HarnessError(
        f"{asked} has no figures per operator in {where}{why}; `harness run` takes them where instructions are counted."
    )


def why_none(case: CaseResult) -> str:
    """What the newest record says of figures that it has not."""
    said = case.measured.details.get("per_operator") or case.measured.note or case.reason
    return f" ({said.rstrip('.')})" if said else ""


def print_profile(case: CaseResult, run: str) -> None:
    """The operators in the order of execution; only the costliest where there are very many."""
    from rich.text import Text

    costs = case.measured.per_operator
    total = sum(cost.instructions for cost in costs)
    print(f"{case.name}: {total:,} instructions of an inference in {len(costs)} operators (run {run})")
    table = plain_table("", "operator", "instructions", "share", "")
    for bar in operator_bars(case):
        cost = bar.cost
        drawn = "█" * max(0, round(bar.width * _BAR))
        table.add_row(str(cost.index), Text(cost.operator), f"{cost.instructions:,}", f"{bar.share:.1%}", drawn)
    console().print(table)
    if len(costs) > MOST_OPERATORS:
        print(f"The {MOST_OPERATORS} costliest of {len(costs)}; all are in --json.")
    print("Instructions are not time: caches, memory and clock frequency have no part in them.")


def overlaid(case: CaseResult, path: Path) -> str:
    """Write the figures for Model Explorer; the line that opens them. Raises `HarnessError`."""
    asked = case_of(str(case.name))
    shown = asked.format.operator_outputs
    if shown is None or shown.graph is None:
        raise HarnessError(
            f"Model Explorer opens no {asked.format.name} artifacts of the harness; leave out --overlay."
        )
    with ConsoleProgress() as progress:
        converter = Converter(Cache(cache_directory() / "artifacts", progress.note), environment("converter"), 1)
        try:
            artifact = converter.convert(converter.prepare(asked.model), asked.format, asked.variant)
        finally:
            converter.close()
    if case.artifact is not None and case.artifact.digest != artifact.digest:
        raise HarnessError(f"The artifact of {asked.id} is another now than in that run; run it again.")
    counts = {cost.index: cost.instructions for cost in case.measured.per_operator}
    write_overlay(path, shown.graph(artifact), "instructions", counts, worst="largest")
    return opening_line(artifact.path, [path])
