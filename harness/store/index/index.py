"""The index of run records: built from them, grown as they come, made again at any time."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from harness.errors import HarnessError
from harness.store.index.database import INDEX_FILE, Database, DatabaseAway
from harness.store.index.rows import Line, lines, run_row
from harness.store.index.tables import ARTIFACTS, CELLS, CONTENTS, FILES, PROVENANCE, RESULTS, RUNS
from harness.store.record import RunRecord
from harness.store.runs import RunStore, parse, read_text

_MANY = 500
"""Values in one IN list: SQLite and PostgreSQL both limit the parameters of a statement."""


@dataclass
class Indexed:
    """What one indexing did: run ids, and for each record that was left out its sentence."""

    added: list[str] = field(default_factory=list)
    known: int = 0
    removed: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


class Conflict(HarnessError):
    """Two different records have one id."""


def sha256_text(text: str) -> str:
    """Of a record's text, which names it."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


class RunIndex:
    """Adds records to a database. Each is added in one transaction: whole or not at all, and once however often."""

    def __init__(self, database: Database, keep_contents: bool = False) -> None:
        """`keep_contents`: the records themselves go into the database too, where there are no files beside it."""
        self.database = database
        self.keep_contents = keep_contents
        self._numbers: dict[tuple[str, Any], int] = {}

    def add(self, text: str, name: str) -> bool:
        """Add the record that `text` holds; whether it was new. `name` says in errors where it is from.

        Raises `HarnessError` where it is damaged, `Conflict` where another record has its id, `DatabaseAway`.
        """
        record = parse(text, name)
        found = lines(record)
        fresh: dict[tuple[str, Any], int] = {}
        with self.database.writing() as connection:
            added = self._add(connection, record, text, found, fresh)
        self._numbers |= fresh  # not before the transaction is kept
        return added

    def _add(
        self,
        connection: Connection,
        record: RunRecord,
        text: str,
        found: list[Line],
        fresh: dict[tuple[str, Any], int],
    ) -> bool:
        digest = sha256_text(text)
        number = connection.execute(
            _insert(connection, RUNS)
            .values(run_row(record, digest))
            .on_conflict_do_nothing(index_elements=["id"])
            .returning(RUNS.c.number)
        ).scalar()
        if number is None:
            stored = connection.execute(select(RUNS.c.sha256).where(RUNS.c.id == record.id)).scalar_one()
            if stored != digest:
                raise Conflict(f"Two different records have the id {record.id}; the one that came first stays.")
            return False
        if self.keep_contents:
            compressed = zlib.compress(text.encode("utf-8"), 6)
            connection.execute(
                _insert(connection, CONTENTS)
                .values(id=record.id, sha256=digest, text=compressed)
                .on_conflict_do_nothing(index_elements=["id"])
            )
        self._add_results(connection, number, found, fresh)
        return True

    def _add_results(
        self, connection: Connection, run: int, found: list[Line], fresh: dict[tuple[str, Any], int]
    ) -> None:
        def numbers(table: Table, columns: list[str], rows: dict[Any, dict[str, Any]]) -> dict[Any, int]:
            return self._numbers_of(connection, table, columns, rows, fresh)

        cells = numbers(
            CELLS,
            ["model", "variant", "target"],
            {line.cell: dict(zip(("model", "variant", "target"), line.cell, strict=True)) for line in found},
        )
        provenance = numbers(
            PROVENANCE, ["digest"], {(p.digest,): vars(p) for p in (line.provenance for line in found)}
        )
        digests = sorted({line.artifact for line in found if line.artifact is not None})
        artifacts = numbers(ARTIFACTS, ["digest"], {(digest,): {"digest": digest} for digest in digests})
        rows = [
            {
                "run": run,
                "cell": cells[line.cell],
                "provenance": provenance[(line.provenance.digest,)],
                "artifact": artifacts.get((line.artifact,)),
                **line.row,
            }
            for line in found
        ]
        if rows:
            connection.execute(RESULTS.insert(), rows)

    def _numbers_of(
        self,
        connection: Connection,
        table: Table,
        columns: list[str],
        rows: dict[Any, dict[str, Any]],
        fresh: dict[tuple[str, Any], int],
    ) -> dict[Any, int]:
        """The number of each of `rows`, which are keyed by the values of `columns`; new ones are inserted.

        They go in sorted, so that two writers on PostgreSQL wait for each other and never in a circle.
        """
        known = {key: self._numbers[(table.name, key)] for key in rows if (table.name, key) in self._numbers}
        missing = sorted(key for key in rows if key not in known)
        if missing:
            connection.execute(
                _insert(connection, table).on_conflict_do_nothing(index_elements=columns),
                [rows[key] for key in missing],
            )
            wanted = set(missing)
            first = table.c[columns[0]]
            for part in _parts(sorted({key[0] for key in missing})):
                query = select(table.c.number, *(table.c[column] for column in columns)).where(first.in_(part))
                for number, *values in connection.execute(query):
                    if tuple(values) in wanted:
                        known[tuple(values)] = number
            fresh |= {(table.name, key): known[key] for key in missing}
        return known

    def remove(self, connection: Connection, run_id: str) -> None:
        """Take a run out, in the caller's transaction."""
        number = connection.execute(select(RUNS.c.number).where(RUNS.c.id == run_id)).scalar()
        if number is not None:
            connection.execute(delete(RESULTS).where(RESULTS.c.run == number))
            connection.execute(delete(RUNS).where(RUNS.c.number == number))

    def empty(self) -> None:
        """Take every run out; records and labels stay. What is added again gets its old numbers for names."""
        with self.database.writing() as connection:
            for table in (RESULTS, RUNS, FILES):
                connection.execute(delete(table))

    def contents(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Every record that the database itself holds, by id: the id, and how to read its text, which raises
        `HarnessError` where it is damaged."""
        with self.database.reading() as connection:
            ids = connection.execute(select(CONTENTS.c.id).order_by(CONTENTS.c.id)).scalars().all()
        for id in ids:
            yield id, lambda id=id: self._content(id)  # type: ignore[misc]

    def _content(self, id: str) -> str:
        with self.database.reading() as connection:
            row = connection.execute(select(CONTENTS).where(CONTENTS.c.id == id)).one()
        name = f"The record {id} in {self.database.name}"
        text = unpacked(row.text, name)
        if sha256_text(text) != row.sha256:
            raise HarnessError(f"{name} is damaged: its bytes are not those that were written.")
        return text

    def rebuild_from_contents(self, progress: Callable[[str], None] = lambda _: None) -> Indexed:
        """Make the index again from the records that the database holds."""
        self.empty()
        done = Indexed()
        for id, read in self.contents():
            progress(id)
            try:
                if self.add(read(), f"The record {id}"):
                    done.added.append(id)
            except DatabaseAway:
                raise
            except HarnessError as error:
                done.problems[id] = str(error)
        return done


def unpacked(packed: bytes, name: str) -> str:
    """The text of a stored record. Raises `HarnessError` where it is damaged."""
    try:
        return zlib.decompress(packed).decode("utf-8")
    except (zlib.error, UnicodeDecodeError) as error:
        raise HarnessError(f"{name} is damaged ({error}).") from error


def count_runs(database: Database) -> int:
    """How many runs the index holds."""
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(RUNS)).scalar_one())


def _insert(connection: Connection, table: Table) -> Any:
    """INSERT that knows ON CONFLICT; both dialects write it alike."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def _parts(values: list[Any]) -> Iterable[list[Any]]:
    return (values[start : start + _MANY] for start in range(0, len(values), _MANY))


class FolderIndex(RunIndex):
    """The SQLite index beside a folder of records, which are the truth: it follows what is there."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.store = RunStore(results)
        super().__init__(Database.beside(results))

    def synchronise(self, progress: Callable[[str], None] = lambda _: None) -> Indexed:
        """Read new files, drop the runs of files that are gone. Safe to be killed and to run twice at once."""
        done = Indexed()
        with self.database.reading() as connection:
            known = {row.name: row for row in connection.execute(select(FILES))}
        present = set()
        for path in self.store.paths():
            try:
                state = path.stat()
            except FileNotFoundError:
                continue  # moved away since it was listed
            present.add(path.name)
            row = known.get(path.name)
            if row is not None and (row.bytes, row.modified_ns) == (state.st_size, state.st_mtime_ns):
                if row.problem is None:
                    done.known += 1
                else:
                    done.problems[path.name] = row.problem
                continue
            progress(path.name)
            self._read(path, row, done)
        for name in sorted(set(known) - present):
            self._forget(name, known[name].run, done)
        return done

    def rebuild(self, progress: Callable[[str], None] = lambda _: None) -> Indexed:
        """Make the index again. A file that is no database any more is put aside for a new one."""
        try:
            self.empty()
        except DatabaseAway as error:
            if not re.search(r"not a database|malformed", str(error)):
                raise
            self.database.close()
            for suffix in ("", "-wal", "-shm"):
                (self.results / f"{INDEX_FILE}{suffix}").unlink(missing_ok=True)
            self.database = Database.beside(self.results)
        self._numbers.clear()
        return self.synchronise(progress)

    def _read(self, path: Path, row: Any, done: Indexed) -> None:
        state = path.stat()
        file = {"name": path.name, "bytes": state.st_size, "modified_ns": state.st_mtime_ns}
        fresh: dict[tuple[str, Any], int] = {}
        try:
            text = read_text(path)
            record = parse(text, path.name)
            found = lines(record)
            with self.database.writing() as connection:
                if row is not None and row.run is not None:
                    self._release(connection, path.name, row.run)
                added = self._add(connection, record, text, found, fresh)
                _put_file(connection, {**file, "run": record.id, "problem": None})
            self._numbers |= fresh
            if added:
                done.added.append(record.id)
            else:
                done.known += 1
        except DatabaseAway:
            raise
        except HarnessError as error:
            with self.database.writing() as connection:
                if row is not None and row.run is not None:
                    self._release(connection, path.name, row.run)
                _put_file(connection, {**file, "run": None, "problem": str(error)})
            done.problems[path.name] = str(error)

    def _forget(self, name: str, run: str | None, done: Indexed) -> None:
        with self.database.writing() as connection:
            if run is not None and self._release(connection, name, run):
                done.removed.append(run)
            connection.execute(delete(FILES).where(FILES.c.name == name))

    def _release(self, connection: Connection, name: str, run: str) -> bool:
        """Take a file's run out unless another file holds it too."""
        others = select(FILES.c.name).where(FILES.c.run == run, FILES.c.name != name).limit(1)
        if connection.execute(others).first() is not None:
            return False
        self.remove(connection, run)
        return True


def _put_file(connection: Connection, values: dict[str, Any]) -> None:
    statement = sqlite.insert(FILES).values(values)
    changed = {key: statement.excluded[key] for key in values if key != "name"}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))
