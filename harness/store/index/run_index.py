"""The index of run records: built from them, grown as they come, made again at any time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection, delete, func, select

from harness.errors import HarnessError
from harness.store.index.database import Database, DatabaseAway
from harness.store.index.reading import RecordText, decompress_record, sha256_text
from harness.store.index.tables import CONTENTS, FILES, RESULTS, RUNS, SUMMARIES, VALUES
from harness.store.index.writing import Writer, insert


@dataclass
class IndexingResult:
    """What one indexing did: run ids, and for each record that was left out its sentence."""

    added: list[str] = field(default_factory=list)
    known: int = 0
    removed: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


class RunIndex:
    """Adds records to a database. Each is added in one transaction: whole or not at all, and once however often."""

    def __init__(self, database: Database, keep_contents: bool = False) -> None:
        """`keep_contents`: the records themselves go into the database too, where there are no files beside it."""
        self.database = database
        self.keep_contents = keep_contents
        self.writer = Writer()

    def add(self, record: RecordText) -> bool:
        """Add a record; whether it was new.

        Raises `HarnessError` where it is damaged, `Conflict` where another record has its id, `DatabaseAway`.
        """
        found = record.results
        compressed = zlib.compress(record.text.encode("utf-8"), _COMPRESSION) if self.keep_contents else None
        with self.database.writing() as connection:
            added = self.writer.add(connection, found)
            if added and compressed is not None:
                _keep_content(connection, found.run["id"], found.run["sha256"], compressed)
        self.writer.keep()
        return added

    def empty(self) -> None:
        """Take every run out; records and labels stay. What is added again gets its old numbers for names."""
        with self.database.writing() as connection:
            for table in (SUMMARIES, VALUES, RESULTS, RUNS, FILES):
                connection.execute(delete(table))

    def contents(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Every record that the database itself holds, by id: the id, and how to read its text, which raises
        `HarnessError` where it is damaged."""
        with self.database.reading() as connection:
            ids = connection.execute(select(CONTENTS.c.id).order_by(CONTENTS.c.id)).scalars().all()
        for id in ids:
            yield id, partial(self.content, id)

    def content(self, id: str) -> str:
        """The text of the record `id` that the database holds. Raises `HarnessError` where it is damaged or not
        there."""
        with self.database.reading() as connection:
            row = connection.execute(select(CONTENTS).where(CONTENTS.c.id == id)).one_or_none()
        name = f"The record {id} in {self.database.name}"
        if row is None:
            raise HarnessError(f"{name} is not there.")
        text = decompress_record(row.text, name)
        if sha256_text(text) != row.sha256:
            raise HarnessError(f"{name} is damaged: its bytes are not those that were written.")
        return text

    def rebuild_from_contents(self, progress: Callable[[str], None] = lambda _: None) -> IndexingResult:
        """Make the index again from the records that the database holds."""
        self.empty()
        done = IndexingResult()
        for id, read in self.contents():
            progress(id)
            try:
                if self.add(RecordText(read(), f"The record {id}")):
                    done.added.append(id)
            except DatabaseAway:
                raise
            except HarnessError as error:
                done.problems[id] = str(error)
        return done


def count_runs(database: Database) -> int:
    """How many runs the index holds."""
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(RUNS)).scalar_one())


_COMPRESSION = 1
"""Level of zlib: the sixth takes five times as long for a fifth less."""


def _keep_content(connection: Connection, id: str, sha256: str, compressed: bytes) -> None:
    row = {"id": id, "sha256": sha256, "text": compressed}
    connection.execute(insert(connection, CONTENTS).values(row).on_conflict_do_nothing(index_elements=["id"]))
