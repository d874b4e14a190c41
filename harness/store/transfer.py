"""Records and labels from one store to another: a folder on either side, or a team's database.

Both ways are idempotent: a record is named by its id and the hash of its bytes, and is written whole or not at all, so
a transfer that breaks is finished by the same command. Records are copied byte for byte, seal included.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from sqlalchemy import select

from harness.errors import HarnessError
from harness.store.index.database import VARIABLE, Database, DatabaseAway, team_url
from harness.store.index.folder import hashes
from harness.store.index.reading import RecordText, sha256_text
from harness.store.index.run_index import RunIndex
from harness.store.index.tables import CONTENTS
from harness.store.index.writing import Conflict
from harness.store.labels import LabelFiles, Labels, LabelTable
from harness.store.runs import RunStore, parse_document, read_text
from harness.store.seal import is_whole

WAITS_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
"""Seconds between attempts on a database that went away: half a minute together, then the command gives up."""


@dataclass
class TransferResult:
    """What one transfer did."""

    sent: list[str] = field(default_factory=list)
    known: int = 0
    labels: int = 0
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PendingRecord:
    """A record whose text was not read yet."""

    id: str
    """The record's id, as far as it can be told without reading the text."""
    name: str
    """What to call it in messages."""
    read: Callable[[], str]
    """Reads the record's text. Raises `HarnessError`."""
    sha256: str | None = None
    """Hash of the record's text, where it is known without reading it."""


class Records(Protocol):
    """One side of a transfer."""

    name: str
    labels: Labels

    def all(self) -> Iterator[PendingRecord]:
        """Every record."""

    def has_identical(self, id: str, sha256: str) -> bool:
        """Whether the record `id` is here with exactly the bytes of that hash."""

    def has_id(self, id: str, sha256: str) -> bool:
        """Whether the record `id` is here. Raises `Conflict` where another record has that id."""

    def put(self, record: RecordText) -> bool:
        """Keep a record; returns whether it was new. Raises `Conflict` where another record has its id."""


class FolderRecords:
    """A results folder."""

    def __init__(self, results: Path) -> None:
        self.name, self.results = str(results), results
        self.store = RunStore(results)
        self.labels: Labels = LabelFiles(results)

    def all(self) -> Iterator[PendingRecord]:
        seen = hashes(self.results)
        for path in self.store.paths():
            id, sha256 = seen.get(path.name, (path.stem, None))
            yield PendingRecord(id, path.name, partial(read_text, path), sha256)

    def has_identical(self, id: str, sha256: str) -> bool:
        path = self.store.folder / f"{id}.json"
        return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256

    def has_id(self, id: str, sha256: str) -> bool:
        path = self.store.folder / f"{id}.json"
        if not path.is_file() or _is_damaged(path):
            return False
        if sha256_text(read_text(path)) != sha256:
            raise Conflict(f"{self.name} holds another record with the id {id}; both stay where they are.")
        return True

    def put(self, record: RecordText) -> bool:
        path = self.store.folder / f"{record.id}.json"
        if path.is_file() and _is_damaged(path):
            # What arrives is whole: it takes the place of the damaged file, which is kept under another name.
            path.replace(path.with_suffix(".json.damaged"))
        elif self.has_id(record.id, record.sha256):
            return False
        self.store.write_text(record.id, record.text)
        return True


class DatabaseRecords:
    """A team's database, which holds the records beside their index."""

    def __init__(self, database: Database) -> None:
        self.name = database.name
        self.database = database
        self.index = RunIndex(database, keep_contents=True)
        self.labels: Labels = LabelTable(database)
        self._known: dict[str, str] | None = None

    def all(self) -> Iterator[PendingRecord]:
        for id, text in self.index.contents():
            yield PendingRecord(id, f"the record {id} of {self.name}", text)

    def has_identical(self, id: str, sha256: str) -> bool:
        return self._all_known().get(id) == sha256

    def has_id(self, id: str, sha256: str) -> bool:
        known = self._all_known()
        if known.get(id, sha256) != sha256:
            raise Conflict(f"{self.name} holds another record with the id {id}; both stay where they are.")
        return id in known

    def _all_known(self) -> dict[str, str]:
        if self._known is None:
            with self.database.reading() as connection:
                rows = connection.execute(select(CONTENTS.c.id, CONTENTS.c.sha256))
                self._known = {row.id: row.sha256 for row in rows}
        return self._known

    def put(self, record: RecordText) -> bool:
        return self.index.add(record)


def other_side(where: str | None) -> Records:
    """The store that `where` names, a folder or a database's URL; `HARNESS_DATABASE_URL` where it is None.

    Raises `HarnessError` where nothing is named.
    """
    where = where or team_url()
    if where is None:
        raise HarnessError(f"Name a results folder or a database URL, or set {VARIABLE}.")
    if "://" in where:
        return DatabaseRecords(Database(where))
    return FolderRecords(Path(where).expanduser().resolve())


def transfer(
    source: Records,
    destination: Records,
    progress: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> TransferResult:
    """Copy what the destination lacks. Damaged or conflicting records are named and left out.

    A database that goes away is waited for; where it does not come back `DatabaseAway` is raised, and says how far the
    transfer came.
    """
    moved = TransferResult()

    def patiently(work: Callable[[], bool]) -> bool:
        for wait in (*WAITS_SECONDS, None):
            try:
                return work()
            except DatabaseAway as error:
                if wait is None:
                    done = len(moved.sent) + moved.known
                    raise DatabaseAway(f"{error} {done} records are there; the same command moves the rest.") from error
                progress(f"{error} Trying again in {wait:g} s.")
                sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    records: list[PendingRecord] = []

    def listing() -> bool:
        records[:] = source.all()
        return True

    patiently(listing)
    for waiting in records:

        def move(waiting: PendingRecord = waiting) -> bool:
            if waiting.sha256 is not None and destination.has_identical(waiting.id, waiting.sha256):
                return False
            record = RecordText(waiting.read(), waiting.name)
            # What is sealed, whole and there already need not be understood.
            if is_whole(record.text) and destination.has_identical(waiting.id, record.sha256):
                return False
            if destination.has_id(record.id, record.sha256) or not destination.put(record):
                return False
            moved.sent.append(record.id)
            progress(record.id)
            return True

        try:
            moved.known += not patiently(move)
        except DatabaseAway:
            raise
        except HarnessError as error:
            moved.problems[waiting.name] = str(error)
    patiently(lambda: _labels(source, destination, moved))
    return moved


def _is_damaged(path: Path) -> bool:
    try:
        parse_document(read_text(path), path.name)
    except HarnessError:
        return True
    return False


def _labels(source: Records, destination: Records, moved: TransferResult) -> bool:
    there = {label.id for label in destination.labels.of(None)}
    for label in source.labels.of(None):
        if label.id not in there:
            destination.labels.put(label)
            moved.labels += 1
    return True
