"""The tables of one model as lists: its targets side by side, and the choice among those that were timed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from harness.report import numbers
from harness.report.lists import OUTCOME, TARGET, VARIANT, Cell, Column, Line, document, figure
from harness.report.model_view import ModelView
from harness.report.pareto import Candidate

MOST_LINES = 80
"""Lines that are drawn to begin with: the charts stand below them."""

Places = Mapping[str, int]
"""The place in the record by the id of a case."""

TARGET_COLUMNS = (
    TARGET,
    VARIANT,
    OUTCOME,
    Column("Median", ("median_ms",), numeric=True),
    Column("95 % interval", ("median_low_ms", "median_high_ms"), numeric=True),
    Column(
        "Against fastest",
        ("times_fastest",),
        numeric=True,
        hint="Against the fastest target that runs the same variant",
    ),
    Column("Conversion error", ("conversion_error",), numeric=True),
    Column("Runtime error", ("runtime_error",), numeric=True),
    Column("Size", ("bytes",), numeric=True),
)
HISTORY = Column("History", ("",))
CHOICE_COLUMNS = (
    TARGET,
    VARIANT,
    Column("Pareto front", ("on_front",)),
    Column("Median", ("median_ms",), numeric=True),
    Column("End-to-end error", ("end_to_end_error",), numeric=True),
    Column("Size", ("bytes",), numeric=True),
)


def targets(
    model: ModelView, places: Places, figures: Mapping[str, list[Cell]], known: Collection[str]
) -> dict[str, Any]:
    """Every case of a model. `figures` are the cells of `lists.figures` by the id of a case, `known` those that
    have a history: where none has, there is no such column."""
    columns = (*TARGET_COLUMNS, HISTORY) if known else TARGET_COLUMNS
    return document(f"targets of {model.name}", columns, _target_lines(model, places, figures, known), MOST_LINES)


def _target_lines(
    model: ModelView, places: Places, figures: Mapping[str, list[Cell]], known: Collection[str]
) -> Iterable[Line]:
    for case in model.cases:
        name = case.id
        median, interval, *others = figures[name]
        line = [places[name], median, interval, _factor(model.fastest.get(name)), *others]
        if known:
            line.append(["", "history", {"history": True}] if name in known else None)
        yield line


def _factor(factor: float | None) -> Cell:
    return None if factor is None else [factor, "fastest" if factor == 1 else numbers.ratio(factor)]


def choice(model: ModelView, places: Places) -> dict[str, Any]:
    """The timed cases of a model, those on the Pareto front first."""
    return document(
        f"trade-off of {model.name}",
        CHOICE_COLUMNS,
        (
            [
                places[one.case.id],
                _front(one),
                [one.median_ms, numbers.milliseconds(one.median_ms)],
                figure(one.error, numbers.error_share(one.error)),
                [one.bytes, numbers.byte_size(one.bytes)],
            ]
            for one in model.candidates
        ),
        MOST_LINES,
    )


def _front(one: Candidate) -> Cell:
    if one.on_front:
        return ["yes", "★ on it", {"tone": "apart"}]
    return ["no", f"no: {one.barred}" if one.barred else "no", {"tone": "soft"}]
