"""Writes what was read from a record into the tables: whole, once, and with the same numbers from every writer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from harness.errors import HarnessError
from harness.store.index.blocks import COLUMNS, FIGURE_TYPE, MANY, array_bytes
from harness.store.index.rows import ModelResults, RunResults
from harness.store.index.tables import ARRAYS, ARTIFACTS, CELLS, PROVENANCE, RESULTS, RUNS, VALUES

Known = dict[str, dict[Any, int]]
"""Name of a table to key to number, of rows that are in the database."""

_CELL = ("model", "variant", "target")
_DIGEST = ("digest",)


class Conflict(HarnessError):
    """Two different records have one id."""


class Writer:
    """Adds runs inside the caller's transactions, and remembers the numbers that it gave to names.

    The caller calls `keep` once a transaction is committed. Numbers that were made in it are used from then on, and not
    before."""

    def __init__(self) -> None:
        self._numbers: Known = {}
        self._fresh: Known = {}

    def add(self, connection: Connection, results: RunResults) -> bool:
        """Add a run; whether it was new. Raises `Conflict` where another record has its id."""
        self._fresh = {}
        number = connection.execute(
            insert(connection, RUNS)
            .values(results.run)
            .on_conflict_do_nothing(index_elements=["id"])
            .returning(RUNS.c.number)
        ).scalar()
        if number is None:
            id = results.run["id"]
            stored = connection.execute(select(RUNS.c.sha256).where(RUNS.c.id == id)).scalar_one()
            if stored != results.run["sha256"]:
                raise Conflict(f"Two different records have the id {id}; the one that came first stays.")
            return False
        self._add_results(connection, number, results)
        return True

    def keep(self) -> None:
        """Tell it that the transaction of the last `add` was committed."""
        for table, known in self._fresh.items():
            # Of arrays those of the last run, which may come again: all of them would fill the memory.
            self._numbers[table] = known if table == ARRAYS.name else self._numbers.get(table, {}) | known
        self._fresh = {}

    def forget(self) -> None:
        """Forget all numbers, because the database is another one now."""
        self._numbers, self._fresh = {}, {}

    def _add_results(self, connection: Connection, run: int, found: RunResults) -> None:
        cells = self._cells(connection, found)
        provenance = self._numbers_of(
            connection, PROVENANCE, _DIGEST, {one.digest: vars(one) for one in found.provenances}
        )
        artifacts = self._numbers_of(connection, ARTIFACTS, _DIGEST, {one: {"digest": one} for one in found.artifacts})
        provenance_numbers = np.array([provenance[one.digest] for one in found.provenances], dtype=np.int32)
        # Place −1, where there is none, takes the last.
        artifact_numbers = np.array([*(artifacts[digest] for digest in found.artifacts), -1], dtype=np.int32)

        arrays: dict[Any, dict[str, Any]] = {}

        def kept(values: NDArray[Any], kind: str) -> bytes:
            digest, data = array_bytes(values, kind)
            arrays[digest] = {"digest": digest, "data": data}
            return digest

        def columns(model: ModelResults) -> dict[str, NDArray[Any]]:
            return {
                "cell": np.array([cells[cell] for cell in model.cells], dtype=np.int32),
                "provenance": provenance_numbers[model.provenance],
                "artifact": artifact_numbers[model.artifact],
                "outcome": model.outcome,
                "state": model.state,
                "simulated": model.simulated,
                "measurement": model.measurement,
            }

        results: list[dict[str, Any]] = []
        figures: list[dict[str, Any]] = []
        for model in found.models:
            digests = {name: kept(values, COLUMNS[name]) for name, values in columns(model).items()}
            results.append({"run": run, "model": model.model, "cases": len(model.cells), **digests})
            for name, values in model.figures.items():
                figures.append({"run": run, "model": model.model, "name": name, "array": kept(values, FIGURE_TYPE)})
        numbers = self._numbers_of(connection, ARRAYS, _DIGEST, arrays)
        for row in results:
            row.update({name: numbers[row[name]] for name in COLUMNS})
        for row in figures:
            row["array"] = numbers[row["array"]]
        if results:
            connection.execute(RESULTS.insert(), results)
        if figures:
            connection.execute(VALUES.insert(), figures)

    def _cells(self, connection: Connection, results: RunResults) -> dict[Any, int]:
        cells = [cell for model in results.models for cell in model.cells]
        return self._numbers_of(connection, CELLS, _CELL, {cell: dict(zip(_CELL, cell, strict=True)) for cell in cells})

    def _numbers_of(
        self, connection: Connection, table: Table, columns: tuple[str, ...], rows: dict[Any, dict[str, Any]]
    ) -> dict[Any, int]:
        """The number of each of `rows`, which are keyed by the value of the one column of `columns`, or by those of all
        of them; new ones are inserted.

        They go in sorted, so that two writers on PostgreSQL wait for each other and never in a circle.
        """
        before = self._numbers.get(table.name, {})
        known = {key: before[key] for key in rows if key in before}
        missing = sorted(key for key in rows if key not in known)
        if missing:
            known |= _stored(connection, table, columns, missing)
            new = [key for key in missing if key not in known]
            if new:
                statement = insert(connection, table).on_conflict_do_nothing(index_elements=list(columns))
                connection.execute(statement, [rows[key] for key in new])
                known |= _stored(connection, table, columns, new)
        self._fresh[table.name] = known
        return known


def remove(connection: Connection, run_id: str) -> None:
    """Take a run out, in the caller's transaction."""
    number = connection.execute(select(RUNS.c.number).where(RUNS.c.id == run_id)).scalar()
    if number is not None:
        connection.execute(delete(VALUES).where(VALUES.c.run == number))
        connection.execute(delete(RESULTS).where(RESULTS.c.run == number))
        connection.execute(delete(RUNS).where(RUNS.c.number == number))


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that takes ON CONFLICT, which SQLite and PostgreSQL spell alike."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def _stored(connection: Connection, table: Table, columns: tuple[str, ...], keys: list[Any]) -> dict[Any, int]:
    """Key to number of those of `keys` that the table has."""
    first, several = table.c[columns[0]], len(columns) > 1
    wanted = set(keys)
    firsts = sorted({key[0] for key in keys}) if several else keys
    known = {}
    for start in range(0, len(firsts), MANY):
        query = select(table.c.number, *(table.c[column] for column in columns))
        for number, *values in connection.execute(query.where(first.in_(firsts[start : start + MANY]))):
            key = tuple(values) if several else values[0]
            if key in wanted:
                known[key] = number
    return known
