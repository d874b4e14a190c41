"""Long tables as plain data: the page draws only as many lines as are looked at, and filters, sorts and saves all.

A line is a list: first the case (its place in the record, the places of several targets that it is about, or its names
where the record has it no longer), then one cell for each column that is not told by the case itself. A cell is a
figure or a text that is shown as it is, or `[value, text]`, or `[value, text, extra]`; null where there is nothing.
`extra` may hold `tone` (a class) and `marks` (words in a frame).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.report import numbers
from harness.report.changes import Changes, FigureChange, LatencyChange
from harness.report.latency_text import latency_text
from harness.store.record import CaseResult, Comparison, RunRecord, SteadyState

MOST_CASES, MOST_CHANGES = 400, 60
"""Lines that are drawn to begin with: of a page's only table, and of one among several."""

Cell = Any
Line = list[Cell]


@dataclass(frozen=True)
class Column:
    """`names` stand in the CSV; several share a cell whose value has bars between them. `kind` is `model`, `target`,
    `variant`, `outcome` or `case` where the case itself tells what to show, `badge` for the name of an outcome, `words`
    and `long` for text that needs width."""

    title: str
    names: tuple[str, ...]
    kind: str = ""
    numeric: bool = False
    hint: str = ""


def document(name: str, columns: Iterable[Column], lines: Iterable[Line], first: int) -> dict[str, Any]:
    """A table as the page is given it; the page draws its `first` lines to begin with."""
    return {"name": name, "columns": [vars(column) for column in columns], "lines": list(lines), "first": first}


def figure(value: float | None, text: str) -> Cell:
    """A cell with a figure and its text; None where the figure is missing or not finite and its text is empty."""
    if value is None:
        return None if text == "–" else ["", text]
    return [value if math.isfinite(value) else "", text]


MODEL, TARGET, VARIANT = (Column(name.capitalize(), (name,), name) for name in ("model", "target", "variant"))
OUTCOME, CASE = Column("Outcome", ("outcome",), "outcome"), Column("Case", ("case",), "case")


def _number(title: str, *names: str) -> Column:
    return Column(title, names, numeric=True)


CASE_COLUMNS = (
    MODEL,
    TARGET,
    VARIANT,
    OUTCOME,
    _number("Median", "median_ms"),
    _number("95 % interval", "median_low_ms", "median_high_ms"),
    _number("Conversion error", "conversion_error"),
    _number("Runtime error", "runtime_error"),
    _number("Size", "bytes"),
    Column("Reason", ("reason",), "long"),
)


def cases(record: RunRecord, figures: Mapping[str, list[Cell]]) -> dict[str, Any]:
    """Every case of a run. `figures` are the cells of `figures` by the id of a case."""
    lines = ([index, *figures[case.id], case.reason] for index, case in enumerate(record.cases))
    return document("cases", CASE_COLUMNS, lines, MOST_CASES)


def figures(case: CaseResult) -> list[Cell]:
    """The cells of a case's figures: median, its interval, conversion error, runtime error, size."""
    parity = case.parity
    return [
        _median(case),
        _interval(case),
        *((_error(parity.conversion), _error(parity.runtime)) if parity else (None, None)),
        figure(case.artifact.bytes, numbers.byte_size(case.artifact.bytes)) if case.artifact else None,
    ]


def _error(edge: tuple[Comparison, ...]) -> Cell:
    error = numbers.worst_error(edge)
    return figure(error, numbers.error_share(error) if error is not None else numbers.error_text(edge))


def _median(case: CaseResult) -> Cell:
    timing = case.latency
    if timing is None:
        return None
    cell = figure(timing.median_ms, numbers.milliseconds(timing.median_ms))
    return [*cell, {"marks": ["never steady"]}] if timing.state is SteadyState.NONE else cell


def _interval(case: CaseResult) -> Cell:
    if case.latency is None:
        return None
    interval = case.latency.median_interval
    return [f"{interval.low!r}|{interval.high!r}", numbers.interval(interval)]


OUTCOME_COLUMNS = (
    Column("Change", ("direction",)),
    CASE,
    Column("Before", ("before",), "badge"),
    Column("Now", ("after",), "badge"),
    Column("Reason", ("reason",), "long"),
)
FIGURE_COLUMNS = (
    CASE,
    Column("Figure", ("figure",)),
    _number("Before", "before"),
    _number("Now", "after"),
    _number("Change", "change"),
)
LATENCY_COLUMNS = (
    CASE,
    Column("Verdict", ("verdict", "reading"), "words"),
    _number("Now / before", "ratio"),
    _number("Between", "ratio_low", "ratio_high"),
    _number("Before", "before_ms"),
    _number("95 % interval", "before_low_ms", "before_high_ms"),
    _number("Now", "after_ms"),
    _number("95 % interval", "after_low_ms", "after_high_ms"),
)
DIRECTIONS = {"worse": "▲ worse", "better": "▼ better", "other": "◆ other", "new": "+ new", "gone": "− gone"}
TONES = {"worse": "broken", "better": "held", "slower": "apart", "faster": "apart"}


def changed(changes: Changes) -> list[dict[str, Any]]:
    """The tables of what changed between two runs."""
    places: dict[str, int] = {case.id: index for index, case in enumerate(changes.record.cases)}
    in_both: list[Line] = []
    in_one: list[Line] = []
    for change in changes.outcomes:
        tone = {"tone": TONES.get(change.direction, "soft")}
        line = [
            _of(change.case, places),
            [change.direction, DIRECTIONS[change.direction], tone],
            change.before.value if change.before else None,
            change.after.value if change.after else None,
            change.case.reason if change.after else "",
        ]
        (in_one if change.direction in ("new", "gone") else in_both).append(line)
    return [
        document("changed outcomes", OUTCOME_COLUMNS, in_both, MOST_CHANGES),
        document("new and gone cases", OUTCOME_COLUMNS, in_one, MOST_CHANGES),
        document(
            "changed figures",
            FIGURE_COLUMNS,
            _figures(changes, places),
            MOST_CHANGES,
        ),
        document(
            "changed latency",
            LATENCY_COLUMNS,
            (_latency(one, changes, places) for one in changes.latencies),
            MOST_CHANGES,
        ),
    ]


def _figures(changes: Changes, places: Mapping[str, int]) -> Iterable[Line]:
    """A figure that changed alike on several targets is one line: most often one artifact changed."""
    groups: dict[tuple[Any, ...], list[FigureChange]] = {}
    for one in changes.figures:
        groups.setdefault((one.case.model, one.case.variant, one.name, one.before, one.after), []).append(one)
    for members in groups.values():
        first = members[0]
        yield [
            [places[one.case.id] for one in members],
            first.name,
            figure(first.before, first.before_text),
            figure(first.after, first.after_text),
            first.change,
        ]


def _latency(change: LatencyChange, changes: Changes, places: Mapping[str, int]) -> Line:
    old, new = change.previous.latency, change.case.latency
    assert old is not None, "only pairs with two timings are compared"
    assert new is not None, "only pairs with two timings are compared"
    words = latency_text(change, changes.drift)
    extra: dict[str, Any] = {"tone": TONES.get(change.reading, "soft")}
    if words.advice:
        extra["advice"] = words.advice
    return [
        _of(change.case, places),
        [f"{words.verdict}|{change.reading}", words.verdict, extra],
        figure(change.ratio, numbers.ratio(change.ratio)),
        [f"{change.low!r}|{change.high!r}", f"{numbers.significant(change.low)}–{numbers.significant(change.high)}"],
        figure(old.median_ms, numbers.milliseconds(old.median_ms)),
        _interval(change.previous),
        figure(new.median_ms, numbers.milliseconds(new.median_ms)),
        _interval(change.case),
    ]


def _of(case: CaseResult, places: Mapping[str, int]) -> Cell:
    """The place of the case in the record; its names where it is gone."""
    known = places.get(case.id)
    return known if known is not None else [case.model, case.variant, case.target, case.outcome.value]
