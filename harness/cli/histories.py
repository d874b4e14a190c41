"""`history`, `label`: a figure over the runs, where it changed, and what people said of it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence

from rich.table import Table

from harness.cli.change_text import change_text, day_text, figure_text
from harness.cli.history_chart import chart, mark
from harness.cli.inventory import console
from harness.cli.storing import open_index
from harness.errors import HarnessError
from harness.history.case_history import History, find_change, histories, new_label
from harness.history.document import history_document
from harness.history.metrics import HEADLINES, METRICS
from harness.store.labels import KINDS

CHARTS = 4
"""Series up to which charts are shown. With more, the table alone is shown: a chart each would scroll it away."""
ROWS = 40
"""Longer tables show the series that changed, and say how many did not."""


def show_history(model: str, variant: str, target: str, metrics: Sequence[str], *, as_json: bool) -> None:
    """Print the history of a model."""
    database, labels = open_index(quiet=as_json)
    found = histories(database, labels, model, variant, target, metrics or HEADLINES, _progress())
    if as_json:
        print(json.dumps([history_document(one) for one in found], indent=1))
        return
    # A pipe has no width: a table folded at 80 columns is of no use to grep.
    screen = console(piped_width=200)
    shown = found if len(found) <= ROWS else [one for one in found if one.changes][:ROWS]
    screen.print(_table(shown))
    if len(shown) < len(found):
        print(f"… and {len(found) - len(shown)} more series; name a variant and a target to see them.")
    for one in found if len(found) <= CHARTS else []:
        print()
        print(_heading(one))
        print(chart(one, max(20, min(screen.width, 110) - 12)))
        for line in _changes(one):
            print(line)
    if len(found) > CHARTS and any(one.changes for one in shown):
        print()
        for one in shown:
            if one.changes:
                print(_heading(one))
                print("\n".join(_changes(one)))


def label_change(model: str, change: str, kind: str, note: str) -> None:
    """Put a label on a change point. Raises `HarnessError` where there is no such change or kind of label."""
    if kind not in KINDS:
        raise HarnessError(f"There is no label '{kind}'; there are {', '.join(KINDS)} (which takes a label back).")
    database, labels = open_index(quiet=True)
    found = histories(database, labels, model, metrics=tuple(METRICS))
    series, point = find_change(found, change)
    labels.put(new_label(series, point, kind, note, time.time()))
    print(f"{point.id} {kind}: {series.key.case}, {series.metric.title} {change_text(point, series.metric)}")


def _table(histories: Sequence[History]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = ("variant", "target", "figure", "machine", "runs", "first", "latest", "changes", "last change")
    for name in columns:
        right = name in {"runs", "first", "latest", "changes"}
        table.add_column(name, overflow="fold", justify="right" if right else "left")
    for one in histories:
        series = one.series
        last = one.changes[-1] if one.changes else None
        table.add_row(
            series.key.variant,
            series.key.target + (" (simulated)" if series.simulated else ""),
            series.metric.title,
            series.key.machine[:8] or "any",
            str(len(series)),
            figure_text(float(series.values[0]), series.metric),
            figure_text(float(series.values[-1]), series.metric),
            str(len(one.changes)),
            f"{day_text(last.after.started)}  {change_text(last, series.metric)}" if last else "",
        )
    return table


def _heading(one: History) -> str:
    key = one.series.key
    where = f"machine {key.machine[:8]}" if key.machine else "any machine"
    extra = f", {key.environment}" if key.environment else ""
    notes = [f"{one.series.unsteady} never steady, left out"] if one.series.unsteady else []
    notes += [f"{one.series.repeated} reused, shown once"] if one.series.repeated else []
    notes += ["simulated: no measure of hardware"] if one.series.simulated and one.series.metric.timed else []
    told = f" ({'; '.join(notes)})" if notes else ""
    unit = f" in {one.series.metric.unit}" if one.series.metric.unit else ""
    return f"{key.case}: {one.series.metric.title}{unit}, {where}{extra}{told}"


def _changes(one: History) -> list[str]:
    lines = []
    for index, change in enumerate(one.changes):
        said = f"  [{change.label.kind}{': ' + change.label.note if change.label.note else ''}]" if change.label else ""
        word = "worse" if change.worse else "better"
        lines.append(f"  {mark(index)} {change.id}  {change_text(change, one.series.metric)} ({word}){said}")
        lines.append(f"      between {change.before.id} and {change.after.id}")
        for difference in change.differences:
            lines.append(f"      {difference}")
        if not change.differences:
            lines.append("      nothing that the records hold differs between the two runs")
    return lines


def _progress() -> Callable[[str], None]:
    """Says on a terminal's standard error which series is looked at; a pipe gets nothing."""
    if not sys.stderr.isatty():
        return lambda _: None

    def tell(name: str) -> None:
        print(f"\rlooking for changes: {name[:60]:60}\r", end="", file=sys.stderr)

    return tell
