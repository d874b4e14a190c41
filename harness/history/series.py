"""Series out of the index: one figure of one case on one machine in one environment, run after run."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from harness.history.metrics import Metric
from harness.store.index.rows import STATES
from harness.store.index.tables import CELLS, PROVENANCE, RESULTS, RUNS
from harness.store.record import SteadyState

_UNSTEADY = STATES.index(SteadyState.NONE)


@dataclass(frozen=True)
class SeriesKey:
    """What a series is of. `machine` is "" where the figure is the same on every machine."""

    model: str
    variant: str
    target: str
    metric: str
    machine: str
    environment: str

    @property
    def case(self) -> str:
        return f"{self.model}/{self.variant}/{self.target}"


@dataclass(frozen=True)
class RunReference:
    """The run that a point is from."""

    number: int
    id: str
    started: float
    """Seconds since 1970."""
    commit: str | None
    machine: str


@dataclass(frozen=True)
class Series:
    """Points in the order of their runs; all sequences are of one length, at least 1.

    Measurements that were reused are one point, that of the run that measured. Timings that never became steady are
    not among the points: `unsteady` counts them.
    """

    key: SeriesKey
    metric: Metric
    runs: tuple[RunReference, ...]
    values: NDArray[np.float64]
    low: NDArray[np.float64] | None
    high: NDArray[np.float64] | None
    provenance: tuple[int, ...]
    artifacts: tuple[int | None, ...]
    simulated: bool
    repeated: int = 0
    unsteady: int = 0

    def __len__(self) -> int:
        return len(self.runs)


@dataclass
class _Builder:
    points: list[tuple[RunReference, float, float | None, float | None, int, int | None]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    simulated: bool = False
    repeated: int = 0
    unsteady: int = 0


def load_series(
    connection: Connection,
    metric: Metric,
    model: str,
    variant: str = "*",
    target: str = "*",
) -> list[Series]:
    """Every series of `metric` for cases that match, by variant, target, machine and environment.

    `model`, `variant` and `target` are names or globs. Empty where nothing matches.
    """
    cells = matching_cells(connection, model, variant, target)
    runs = _runs(connection)
    query = select(PROVENANCE.c.number, PROVENANCE.c.environment)
    environments = {row.number: row.environment for row in connection.execute(query)}
    builders: dict[SeriesKey, _Builder] = defaultdict(_Builder)
    for row in _rows(connection, metric, cells):
        cell, run_number, value, low, high, provenance, artifact, measurement, state, simulated = row
        if metric.column is None:
            value = json.loads(value).get(metric.name)
        if value is None:
            continue
        run = runs[run_number]
        names = cells[cell]
        machine = "" if metric.any_machine else run.machine
        builder = builders[SeriesKey(*names, metric.name, machine, environments[provenance])]
        builder.points.append((run, float(value), low, high, provenance, artifact))
        builder.simulated |= bool(simulated)
        if not metric.timed:
            continue
        if measurement in builder.seen or state == _UNSTEADY:
            builder.repeated += measurement in builder.seen
            builder.unsteady += state == _UNSTEADY
            builder.points.pop()
        builder.seen.add(measurement)
    order = sorted(
        (key for key, builder in builders.items() if builder.points), key=lambda key: tuple(vars(key).values())
    )
    return [_built(key, metric, builders[key]) for key in order]


def matching_cells(connection: Connection, model: str, variant: str, target: str) -> dict[int, tuple[str, str, str]]:
    """Number to names of the cells whose model, variant and target match."""
    query = select(CELLS.c.number, CELLS.c.model, CELLS.c.variant, CELLS.c.target)
    if not set("*?[") & set(model):
        query = query.where(CELLS.c.model == model)
    return {
        number: names
        for number, *rest in connection.execute(query)
        if fnmatchcase((names := tuple(rest))[0], model)
        and fnmatchcase(names[1], variant)
        and fnmatchcase(names[2], target)
    }


def known_models(connection: Connection) -> list[str]:
    """The models that the index holds, by name."""
    return list(connection.execute(select(CELLS.c.model).distinct().order_by(CELLS.c.model)).scalars())


def _runs(connection: Connection) -> dict[int, RunReference]:
    query = select(RUNS.c.number, RUNS.c.id, RUNS.c.started, RUNS.c.commit, RUNS.c.machine)
    return {row.number: RunReference(*row) for row in connection.execute(query)}


def _rows(connection: Connection, metric: Metric, cells: dict[int, Any]) -> list[tuple[Any, ...]]:
    """Rows of `results`, in the order in which the runs began."""
    columns = RESULTS.c
    value = columns[metric.column] if metric.column else columns.more
    low, high = (columns[name] for name in metric.interval) if metric.interval else (columns.cell, columns.cell)
    query = select(
        columns.cell,
        columns.run,
        value,
        low,
        high,
        columns.provenance,
        columns.artifact,
        columns.measurement,
        columns.state,
        columns.simulated,
    ).where(value.is_not(None))
    order = {
        number: place
        for place, number in enumerate(
            connection.execute(select(RUNS.c.number).order_by(RUNS.c.started, RUNS.c.id)).scalars()
        )
    }
    rows: list[tuple[Any, ...]] = []
    numbers = sorted(cells)
    for start in range(0, len(numbers), 500):
        part = query.where(columns.cell.in_(numbers[start : start + 500]))
        rows += (tuple(row) for row in connection.execute(part))
    rows.sort(key=lambda row: order[row[1]])
    return rows


def _built(key: SeriesKey, metric: Metric, builder: _Builder) -> Series:
    runs, values, low, high, provenance, artifacts = zip(*builder.points, strict=True)
    has_interval = metric.interval is not None
    return Series(
        key=key,
        metric=metric,
        runs=runs,
        values=np.array(values, dtype=np.float64),
        low=_array(low) if has_interval else None,
        high=_array(high) if has_interval else None,
        provenance=provenance,
        artifacts=artifacts,
        simulated=builder.simulated,
        repeated=builder.repeated,
        unsteady=builder.unsteady,
    )


def _array(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
