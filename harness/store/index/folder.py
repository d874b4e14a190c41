"""Keeps the index up to date with the folder of records beside it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, select

from harness.errors import HarnessError
from harness.store.index.database import INDEX_FILE, Database, DatabaseAway, reading_as_it_is
from harness.store.index.reading import read_all
from harness.store.index.rows import RunResults
from harness.store.index.run_index import IndexingResult, RunIndex
from harness.store.index.tables import FILES
from harness.store.index.writing import Conflict, insert, remove
from harness.store.runs import RunStore


class FolderIndex(RunIndex):
    """The SQLite index beside a folder of records."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.store = RunStore(results)
        super().__init__(Database.beside(results))

    def synchronise(self, progress: Callable[[str], None] = lambda _: None) -> IndexingResult:
        """Read new files, drop the runs of files that are gone. Safe to be killed and to run twice at once."""
        done = IndexingResult()
        with self.database.reading() as connection:
            known = {row.name: row for row in connection.execute(select(FILES))}
        present = set()
        new: list[tuple[Path, dict[str, Any]]] = []
        for path in self.store.paths():
            try:
                state = path.stat()
            except FileNotFoundError:
                continue  # moved away since it was listed
            present.add(path.name)
            row = known.get(path.name)
            if row is None or not _is_as_read(row, state):
                new.append((path, {"name": path.name, "bytes": state.st_size, "modified_ns": state.st_mtime_ns}))
            elif row.problem is None:
                done.known += 1
            else:
                done.problems[path.name] = row.problem
        results = read_all([path for path, _ in new], sum(file["bytes"] for _, file in new))
        for (path, file), found in zip(new, results, strict=True):
            progress(path.name)
            self._take(file, found, known.get(path.name), done)
        for name in sorted(set(known) - present):
            self._forget(name, known[name].run, done)
        return done

    def rebuild(self, progress: Callable[[str], None] = lambda _: None) -> IndexingResult:
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
        self.writer.forget()
        return self.synchronise(progress)

    def _take(self, file: dict[str, Any], results: RunResults | HarnessError, row: Any, done: IndexingResult) -> None:
        """What was read of a file into the index, in place of what it held the last time, of which `row` tells."""
        before, first = (row.run, row.sha256) if row is not None else (None, None)
        name = file["name"]
        if isinstance(results, RunResults):
            try:
                if first is not None and first != results.run["sha256"]:
                    raise Conflict(
                        f"{name} is not what it was when it was first read, and records never change: "
                        "restore it from a copy, or take it as it is by `harness index --rebuild`."
                    )
                with self.database.writing() as connection:
                    self._release(connection, name, before)
                    added = self.writer.add(connection, results)
                    values = {**file, "run": results.run["id"], "sha256": results.run["sha256"], "problem": None}
                    _put_file(connection, values)
                self.writer.keep()
            except DatabaseAway:
                raise
            except HarnessError as error:
                results = error
            else:
                if added:
                    done.added.append(results.run["id"])
                else:
                    done.known += 1
                return
        with self.database.writing() as connection:
            self._release(connection, name, before)
            _put_file(connection, {**file, "run": None, "problem": str(results)})
        done.problems[name] = str(results)

    def _forget(self, name: str, run: str | None, done: IndexingResult) -> None:
        with self.database.writing() as connection:
            if run is not None and self._release(connection, name, run):
                done.removed.append(run)
            connection.execute(delete(FILES).where(FILES.c.name == name))

    def _release(self, connection: Connection, name: str, run: str | None) -> bool:
        """Take a file's run out unless another file holds it too."""
        if run is None:
            return False
        others = select(FILES.c.name).where(FILES.c.run == run, FILES.c.name != name).limit(1)
        if connection.execute(others).first() is not None:
            return False
        remove(connection, run)
        return True


def hashes(results: Path) -> dict[str, tuple[str, str]]:
    """File name to id and SHA-256 of the records in a folder whose files are as they were when its index read them.
    Empty where there is no index that can be read, and of this program's version: it only spares reading the files, and
    it may be another's, who reads it by an older program."""
    if not (results / INDEX_FILE).is_file():
        return {}
    query = select(FILES).where(FILES.c.problem.is_(None), FILES.c.run.is_not(None))
    try:
        with reading_as_it_is(results / INDEX_FILE) as connection:
            rows = connection.execute(query).all()
    except HarnessError:
        return {}
    found = {}
    for row in rows:
        with contextlib.suppress(OSError):
            if _is_as_read(row, (RunStore(results).folder / row.name).stat()):
                found[row.name] = (row.run, row.sha256)
    return found


def _is_as_read(row: Any, state: os.stat_result) -> bool:
    return (row.bytes, row.modified_ns) == (state.st_size, state.st_mtime_ns)


def _put_file(connection: Connection, values: dict[str, Any]) -> None:
    statement = insert(connection, FILES).values(values)
    changed = {key: statement.excluded[key] for key in values if key != "name"}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))
