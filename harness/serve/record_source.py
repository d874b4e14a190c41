"""What is served: an index, the records behind it, and the labels."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from harness.errors import HarnessError
from harness.store.index.database import Database
from harness.store.index.folder import FolderIndex
from harness.store.index.run_index import RunIndex
from harness.store.index.tables import FILES
from harness.store.labels import LabelFiles, Labels, LabelTable
from harness.store.record import RunRecord
from harness.store.runs import RunStore, collector_paused, parse, read_text

FRESH_SECONDS = 2.0
"""Seconds by which the index may be older than the records when it is asked."""


class RecordSource:
    """The index that is asked, and the records behind it: a results folder, or a team's database."""

    def __init__(self, results: Path, url: str | None = None) -> None:
        self._folder = None if url else FolderIndex(results)
        self.database = self._folder.database if self._folder else Database(str(url))
        self.labels: Labels = LabelTable(self.database) if url else LabelFiles(results)
        self._store = RunStore(results)
        self._lock = threading.Lock()
        self._checked = 0.0

    def refresh(self, progress: Callable[[str], None] = lambda _: None) -> None:
        """Read records that are new since the last time, at most every two seconds."""
        if self._folder is None:
            return
        with self._lock:
            if time.monotonic() - self._checked >= FRESH_SECONDS or self._checked == 0.0:
                self._folder.synchronise(progress)
                self._checked = time.monotonic()

    def text(self, id: str) -> str:
        """A record's text by its full id. Raises `HarnessError` where there is none."""
        if self._folder is None:
            return RunIndex(self.database).content(id)
        with self.database.reading() as connection:
            name = connection.execute(select(FILES.c.name).where(FILES.c.run == id).limit(1)).scalar()
        if name is None:
            raise HarnessError(f"There is no record of the run {id}.")
        return read_text(self._store.folder / name)

    def record(self, id: str) -> RunRecord:
        """A record by its full id."""
        # A page is a circle of objects: one that is no longer kept goes here, and only once it is not frozen.
        gc.unfreeze()
        gc.collect()
        with collector_paused():
            found = parse(self.text(id), f"The record {id}")
            # A large record is a million objects: each pass of the collector over them takes as long as reading it did.
            # It leaves them alone until the next record is read.
            gc.freeze()
        return found
