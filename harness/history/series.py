"""Series out of the index: one figure of one case on one machine in one environment, run after run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from harness.history.metrics import Metric
from harness.store.index.blocks import read_blocks
from harness.store.index.rows import STATES
from harness.store.index.tables import CELLS, PROVENANCE, RUNS
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
    provenance: NDArray[np.int64]
    artifacts: NDArray[np.int64]
    """Numbers in the index; −1 where there is none."""
    simulated: bool
    repeated: int = 0
    unsteady: int = 0

    def __len__(self) -> int:
        return len(self.runs)


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
    if not cells:
        return []
    runs = _runs(connection)
    query = select(PROVENANCE.c.number, PROVENANCE.c.environment)
    environments = {row.number: row.environment for row in connection.execute(query)}
    found: list[Series] = []
    for name in sorted({names[0] for names in cells.values()}):
        own = {number: names for number, names in cells.items() if names[0] == name}
        points = _points(connection, metric, name, own, runs)
        if points is not None:
            found += _split(points, metric, own, runs, environments)
    return sorted(found, key=lambda series: tuple(vars(series.key).values()))


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


def _runs(connection: Connection) -> list[RunReference]:
    """Every run, in the order in which they began."""
    query = select(RUNS.c.number, RUNS.c.id, RUNS.c.started, RUNS.c.commit, RUNS.c.machine)
    return [RunReference(*row) for row in connection.execute(query.order_by(RUNS.c.started, RUNS.c.id))]


@dataclass(frozen=True)
class _Points:
    """Points of many series, all arrays shaped (points,); `run` holds places in the list of runs, and rises."""

    run: NDArray[np.int64]
    cell: NDArray[np.int64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    provenance: NDArray[np.int64]
    artifact: NDArray[np.int64]
    measurement: NDArray[np.int64]
    unsteady: NDArray[np.bool_]
    simulated: NDArray[np.bool_]

    def take(self, places: NDArray[Any]) -> _Points:
        """The points at `places`, or where a mask is true."""
        return _Points(**{name: values[places] for name, values in vars(self).items()})


def _points(
    connection: Connection, metric: Metric, model: str, cells: Mapping[int, Any], runs: Sequence[RunReference]
) -> _Points | None:
    """All points of a metric for the cells of a model; None where there is none."""
    names = (metric.column, *(metric.interval or ()))
    places = {run.number: index for index, run in enumerate(runs)}
    blocks = [
        block
        for block in read_blocks(connection, models=(model,), figures=names)
        if metric.column in block.figures and block.run in places
    ]
    if not blocks:
        return None
    blocks.sort(key=lambda block: places[block.run])

    def joined(name: str) -> NDArray[np.int64]:
        return np.concatenate([block.columns[name] for block in blocks]).astype(np.int64)

    def figure(name: str) -> NDArray[np.float64]:
        return np.concatenate([block.figure(name) for block in blocks])

    value = figure(metric.column)
    low, high = (figure(name) for name in metric.interval) if metric.interval else (value, value)
    all_points = _Points(
        run=np.repeat([places[block.run] for block in blocks], [len(block) for block in blocks]),
        cell=joined("cell"),
        value=value,
        low=low,
        high=high,
        provenance=joined("provenance"),
        artifact=joined("artifact"),
        measurement=joined("measurement"),
        unsteady=joined("state") == _UNSTEADY,
        simulated=joined("simulated") != 0,
    )
    return all_points.take(~np.isnan(value) & np.isin(all_points.cell, list(cells)))


def _split(
    points: _Points,
    metric: Metric,
    cells: Mapping[int, tuple[str, str, str]],
    runs: Sequence[RunReference],
    environments: Mapping[int, str],
) -> list[Series]:
    """Points into series."""
    machines, machine = _coded(["" if metric.any_machine else run.machine for run in runs])
    numbers, places = np.unique(points.provenance, return_inverse=True)
    names, environment = _coded([environments[number] for number in numbers.tolist()])
    series = (points.cell * len(machines) + machine[points.run]) * len(names) + environment[places]
    order = np.argsort(series, kind="stable")
    points, series = points.take(order), series[order]
    ends = np.flatnonzero(np.diff(series, append=-1)) + 1
    found = []
    for start, end in pairwise([0, *ends.tolist()]):
        own = points.take(np.arange(start, end))
        where, environment_place = divmod(int(series[start]), len(names))
        cell, machine_place = divmod(where, len(machines))
        key = SeriesKey(*cells[cell], metric.name, machines[machine_place], names[environment_place])
        made = _built(key, metric, own, runs)
        if made is not None:
            found.append(made)
    return found


def _coded(words: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The different words, and for each word its place among them."""
    places: dict[str, int] = {}
    codes = [places.setdefault(word, len(places)) for word in words]
    return list(places), np.array(codes, dtype=np.int64)


def _built(key: SeriesKey, metric: Metric, points: _Points, runs: Sequence[RunReference]) -> Series | None:
    """One series; None where nothing of it is left."""
    simulated, repeated, unsteady = bool(points.simulated.any()), 0, 0
    if metric.timed:
        first = np.zeros(len(points.run), dtype=bool)
        first[np.unique(points.measurement, return_index=True)[1]] = True
        repeated, unsteady = int((~first).sum()), int(points.unsteady.sum())
        points = points.take(first & ~points.unsteady)
    if not len(points.run):
        return None
    has_interval = metric.interval is not None
    return Series(
        key=key,
        metric=metric,
        runs=tuple([runs[place] for place in points.run.tolist()]),
        values=points.value,
        low=points.low if has_interval else None,
        high=points.high if has_interval else None,
        provenance=points.provenance,
        artifacts=points.artifact,
        simulated=simulated,
        repeated=repeated,
        unsteady=unsteady,
    )
