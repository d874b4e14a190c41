"""The index as one Parquet file for notebooks: one row a case of a run, with names instead of numbers."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from harness.errors import HarnessError
from harness.store.index.blocks import Block, read_blocks
from harness.store.index.database import Database
from harness.store.index.rows import OUTCOMES, STATES
from harness.store.index.tables import ARTIFACTS, CELLS, FIGURES, PROVENANCE, RUNS

_BATCH = 50_000
"""Rows of one group in the file: small groups would hold each name again and again."""


def export(database: Database, path: Path, model: str | None = None) -> int:
    """Write every row of the index (of one `model`, where it is named) to `path`; returns the number of rows. The file
    is written whole or not at all.

    Columns: run, started (UTC), commit, machine, model, variant, target, outcome, steady_state, simulated, environment,
    artifact (its digest), provenance and more (JSON), and every figure under its name, null where it was not measured.
    Raises `HarnessError` where pyarrow is not installed."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise HarnessError("Parquet needs pyarrow: uv pip install 'ml-runtime-harness[notebook]'.") from error

    schema = arrow.schema(
        [
            ("started", arrow.timestamp("ms", tz="UTC")),
            *((name, arrow.dictionary(arrow.int32(), arrow.string())) for name in _NAMES),
            ("more", arrow.string()),
            ("simulated", arrow.bool_()),
            *((name, arrow.float64()) for name in FIGURES),
        ]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    rows = 0
    try:
        with database.reading() as connection, parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for columns in _groups(connection, model):
                writer.write_table(arrow.table([_arrow(arrow, columns[name]) for name in schema.names], schema=schema))
                rows += len(columns["simulated"])
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return rows


_NAMES = (
    "run",
    "commit",
    "machine",
    "model",
    "variant",
    "target",
    "outcome",
    "steady_state",
    "environment",
    "artifact",
    "provenance",
)


def _groups(connection: Connection, model: str | None) -> Iterator[dict[str, Any]]:
    """Columns of about `_BATCH` rows at a time, run by run: an array of figures, or codes and the names they are of."""
    names = _Names(connection)
    waiting: list[Block] = []
    for run in connection.execute(select(RUNS.c.number).order_by(RUNS.c.number)).scalars().all():
        waiting += read_blocks(connection, run=run, models=None if model is None else (model,))
        if sum(map(len, waiting)) >= _BATCH:
            yield names.columns(waiting)
            waiting = []
    if waiting:
        yield names.columns(waiting)


class _Names:
    """What the numbers in blocks stand for."""

    def __init__(self, connection: Connection) -> None:
        self._runs = {row.number: row for row in connection.execute(select(RUNS))}
        self._cells = {row.number: row for row in connection.execute(select(CELLS))}
        self._provenance = {row.number: row for row in connection.execute(select(PROVENANCE))}
        self._artifacts = {row.number: row.digest for row in connection.execute(select(ARTIFACTS))}

    def columns(self, blocks: list[Block]) -> dict[str, Any]:
        lengths = [len(block) for block in blocks]

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([block.columns[name] for block in blocks])

        run = np.repeat([block.run for block in blocks], lengths)
        cell, provenance = joined("cell"), joined("provenance")
        figures = {name: np.concatenate([block.figure(name) for block in blocks]) for name in FIGURES}
        started = {number: round(row.started * 1000) for number, row in self._runs.items()}
        return {
            **figures,
            "started": np.array([started[number] for number in run.tolist()], dtype="datetime64[ms]"),
            "run": _coded(run, lambda number: self._runs[number].id),
            "commit": _coded(run, lambda number: self._runs[number].commit),
            "machine": _coded(run, lambda number: self._runs[number].machine),
            "model": _coded(cell, lambda number: self._cells[number].model),
            "variant": _coded(cell, lambda number: self._cells[number].variant),
            "target": _coded(cell, lambda number: self._cells[number].target),
            "outcome": _coded(joined("outcome"), lambda place: OUTCOMES[place].value),
            "steady_state": _coded(joined("state"), lambda place: None if place < 0 else STATES[place].value),
            "environment": _coded(provenance, lambda number: self._provenance[number].environment),
            "provenance": _coded(provenance, lambda number: self._provenance[number].facts),
            "artifact": _coded(joined("artifact"), self._artifacts.get),
            "simulated": joined("simulated") != 0,
            "more": [more for block in blocks for more in _more(block)],
        }


Coded = tuple[NDArray[np.int32], list[str | None]]


def _coded(numbers: NDArray[Any], name: Callable[[int], str | None]) -> Coded:
    """The place of each number's name among the names."""
    different, places = np.unique(numbers, return_inverse=True)
    return places.astype(np.int32), [name(number) for number in different.tolist()]


def _more(block: Block) -> list[str | None]:
    """A target's own figures as JSON."""
    own: Mapping[str, list[float]] = {
        name: block.figures[name].tolist() for name in sorted(block.figures) if name not in FIGURES
    }
    if not own:
        return [None] * len(block)
    found = []
    for index in range(len(block)):
        more = {name: _shown(values[index]) for name, values in own.items() if values[index] == values[index]}
        found.append(json.dumps(more) if more else None)
    return found


def _shown(value: float) -> float:
    return int(value) if value.is_integer() else value


def _arrow(arrow: Any, column: Any) -> Any:
    if isinstance(column, tuple):
        codes, names = column
        known = [name for name in names if name is not None]
        places = np.cumsum([name is not None for name in names]) - 1
        absent = np.array([name is None for name in names])[codes]
        return arrow.DictionaryArray.from_arrays(
            arrow.array(places[codes].astype(np.int32), mask=absent), arrow.array(known, type=arrow.string())
        )
    if isinstance(column, list):
        return arrow.array(column, type=arrow.string())
    if column.dtype == np.float64:
        return arrow.array(column, from_pandas=True)  # NaN is null
    return arrow.array(column, type=arrow.timestamp("ms", tz="UTC") if column.dtype.kind == "M" else None)
