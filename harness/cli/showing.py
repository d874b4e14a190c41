"""`show`, `compare`, `report`: what a record says."""

from __future__ import annotations

import json
from pathlib import Path

from harness.cli.inventory import console
from harness.errors import HarnessError
from harness.paths import results_directory
from harness.report import tables
from harness.report.history_data import history_of
from harness.report.page import write
from harness.store.record import RunRecord
from harness.store.runs import RunStore


def find_run(name: str) -> RunRecord:
    """A stored record by its name."""
    return RunStore(results_directory()).find(name)


def show_run(name: str, *, as_json: bool) -> None:
    """Print a run."""
    record = find_run(name)
    if as_json:
        print(record.model_dump_json(indent=1))
    else:
        console().print(tables.show(record, results_directory()))


def compare_targets(model: str, name: str, *, as_json: bool) -> None:
    """Print the targets of one model. Raises `HarnessError` where the run has no such model."""
    record = find_run(name)
    rows = [case for case in record.cases if case.model == model]
    if not rows:
        known = ", ".join(sorted({case.model for case in record.cases}))
        raise HarnessError(f"The run {record.id} has no model '{model}'; it has {known}.")
    if as_json:
        print(json.dumps([case.model_dump(mode="json") for case in rows], indent=1))
    else:
        console().print(tables.compare(record, model))


def write_report(name: str, output: str | None, against: str | None) -> None:
    """Write the dashboard, with what changed since another run and with the history of the index, and say where."""
    path = Path(output) if output else results_directory() / "dashboard.html"
    record = find_run(name)
    write(record, path, find_run(against) if against else None, history_of(record, results_directory()))
    print(path)
