"""Results by column: the arrays of one model in one run, out of the index and into it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from harness.store.index.tables import ARRAYS, RESULTS, VALUES

COLUMNS: Final[Mapping[str, str]] = {
    "cell": "<i4",
    "provenance": "<i4",
    "artifact": "<i4",
    "outcome": "<i1",
    "state": "<i1",
    "simulated": "<i1",
    "measurement": "<i8",
}
"""The columns of `results` that are arrays, and the type of their entries."""
FIGURE_TYPE: Final = "<f8"

MANY: Final = 500
"""Values in one IN list: SQLite and PostgreSQL both limit the parameters of a statement."""


@dataclass(frozen=True)
class Block:
    """The results of one model in one run; every array is shaped (cases,). `columns` has those of `COLUMNS`, `figures`
    float64 by name, NaN where a case has none."""

    run: int
    model: str
    columns: Mapping[str, NDArray[Any]]
    figures: Mapping[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.columns["cell"])

    def figure(self, name: str) -> NDArray[np.float64]:
        """A figure of every case; NaN everywhere where none has it."""
        found = self.figures.get(name)
        return np.full(len(self), np.nan) if found is None else found


def array_bytes(values: NDArray[Any], kind: str) -> tuple[bytes, bytes]:
    """The digest and the bytes of an array, as the table `arrays` holds them; `kind` is its type there."""
    data = np.ascontiguousarray(values, dtype=kind).tobytes()
    # The type is part of what is named: equal bytes of another type are another array.
    return hashlib.blake2b(data, digest_size=16, person=kind.encode()).digest(), data


def read_blocks(
    connection: Connection,
    *,
    run: int | None = None,
    models: Sequence[str] | None = None,
    figures: Iterable[str] | None = None,
) -> Iterator[Block]:
    """The blocks of a run, of some models, or all, by run and model; with the named figures, or with all.

    Only blocks that have any of the named figures come. All arrays are read before the first block comes: ask for a run
    or for a few models at a time.
    """
    wanted = select(VALUES)
    blocks = select(RESULTS).order_by(RESULTS.c.run, RESULTS.c.model)
    if figures is not None:
        wanted = wanted.where(VALUES.c.name.in_(list(figures)))
    if run is not None:
        wanted, blocks = wanted.where(VALUES.c.run == run), blocks.where(RESULTS.c.run == run)
    if models is not None:
        names = list(models)
        wanted, blocks = wanted.where(VALUES.c.model.in_(names)), blocks.where(RESULTS.c.model.in_(names))
    named: dict[tuple[int, str], dict[str, int]] = {}
    for number, model, name, array in connection.execute(wanted):
        named.setdefault((number, model), {})[name] = array
    rows = [
        row for row in connection.execute(blocks).mappings() if figures is None or (row["run"], row["model"]) in named
    ]
    numbers = {row[name] for row in rows for name in COLUMNS}
    numbers.update(array for one in named.values() for array in one.values())
    data = _data(connection, sorted(numbers))
    for row in rows:
        own = named.get((row["run"], row["model"]), {})
        yield Block(
            row["run"],
            row["model"],
            {name: np.frombuffer(data[row[name]], dtype=kind) for name, kind in COLUMNS.items()},
            {name: np.frombuffer(data[array], dtype=FIGURE_TYPE) for name, array in own.items()},
        )


def _data(connection: Connection, numbers: list[int]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for start in range(0, len(numbers), MANY):
        query = select(ARRAYS.c.number, ARRAYS.c.data).where(ARRAYS.c.number.in_(numbers[start : start + MANY]))
        found.update((number, data) for number, data in connection.execute(query))
    return found
