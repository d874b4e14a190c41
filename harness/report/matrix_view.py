"""The overview: models × targets, and in each cell the worst outcome over the variants."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.outcomes import worst
from harness.store.record import CaseResult, Outcome, RunRecord


@dataclass(frozen=True)
class Cell:
    """The cases of one model on one target; never empty."""

    model: str
    target: str
    cases: tuple[CaseResult, ...]

    @property
    def outcome(self) -> Outcome:
        return worst(self.cases).outcome

    @property
    def alike(self) -> int:
        """How many of the variants ended with the outcome that the cell shows."""
        return sum(case.outcome is self.outcome for case in self.cases)


@dataclass(frozen=True)
class Column:
    """A target, and the family that it stands under."""

    target: str
    family: str
    runtime: str
    simulated: bool


@dataclass(frozen=True)
class Row:
    """A model, with one cell for each target."""

    model: str
    cells: tuple[Cell | None, ...]
    """One per column; none where the run has no such case."""


@dataclass(frozen=True)
class Matrix:
    """The overview's columns and rows."""

    families: tuple[tuple[str, int], ...]
    """Name and number of columns, in the order of the columns."""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def matrix(record: RunRecord) -> Matrix:
    """The overview of a record. Targets of one family stand together; all else is in the order of the record."""
    found: dict[tuple[str, str], list[CaseResult]] = {}
    targets: dict[str, Column] = {}
    for case in record.cases:
        found.setdefault((case.model, case.target), []).append(case)
        family, _, runtime = case.target.rpartition("/")
        simulated = case.simulated or (case.target in targets and targets[case.target].simulated)
        targets[case.target] = Column(case.target, family, runtime, simulated)
    family_order = list(dict.fromkeys(column.family for column in targets.values()))
    columns = tuple(sorted(targets.values(), key=lambda column: family_order.index(column.family)))
    return Matrix(
        families=tuple((name, sum(column.family == name for column in columns)) for name in family_order),
        columns=columns,
        rows=tuple(
            Row(model, tuple(_cell(model, column.target, found) for column in columns))
            for model in dict.fromkeys(case.model for case in record.cases)
        ),
    )


def _cell(model: str, target: str, found: dict[tuple[str, str], list[CaseResult]]) -> Cell | None:
    cases = found.get((model, target))
    return Cell(model, target, tuple(cases)) if cases else None
