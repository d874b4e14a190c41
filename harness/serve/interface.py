"""The read-only interface: a path and its query in, JSON or the page out. It knows nothing of sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from harness.errors import HarnessError
from harness.history.document import change_document, history_document, metrics_document, page_document
from harness.history.history import NothingFound, histories
from harness.history.metrics import HEADLINES
from harness.history.runs import case_documents, find_run, result_documents, run_documents
from harness.store.index.database import Database, DatabaseAway
from harness.store.index.folder import FolderIndex
from harness.store.index.index import RunIndex
from harness.store.index.tables import RUNS
from harness.store.labels import LabelFiles, Labels, LabelTable
from harness.store.record import RunRecord
from harness.store.runs import RunStore, parse

FRESH_SECONDS = 2.0
"""How old the index may be, compared with the records, when it is asked."""

PATHS = {
    "/": "the dashboard of the newest run",
    "/api/runs": "runs, newest first; ?limit=",
    "/api/runs/ID": "one run with its results; `latest` is the newest; ?model=",
    "/api/records/ID": "one run's record, as it was written",
    "/api/cases": "every case: model, variant, target",
    "/api/metrics": "the metrics that have a history",
    "/api/history": "series with their changes; ?model= &variant= &target= &metric= &limit= (points each)",
    "/api/changes": "changes alone, newest first; ?model= &variant= &target= &metric=",
    "/api/page": "all histories in one compact document; ?model= &metric= &limit= (points in all)",
}


@dataclass(frozen=True)
class Answer:
    """What goes back: HTTP status, content type and body."""

    status: int
    type: str
    body: bytes


class Source:
    """The index that is asked, and the records behind it: a results folder, or a team's database."""

    def __init__(self, results: Path, url: str | None = None) -> None:
        self._folder = None if url else FolderIndex(results)
        self.database = self._folder.database if self._folder else Database(str(url))
        self.labels: Labels = LabelTable(self.database) if url else LabelFiles(results)
        self._store = RunStore(results)
        self._lock = threading.Lock()
        self._checked = 0.0

    def refresh(self) -> None:
        """Read records that are new since the last time, at most every two seconds."""
        if self._folder is None:
            return
        with self._lock:
            if time.monotonic() - self._checked >= FRESH_SECONDS or self._checked == 0.0:
                self._folder.synchronise()
                self._checked = time.monotonic()

    def text(self, id: str) -> str:
        """A record's text by its full id. Raises `HarnessError` where there is none."""
        if self._folder is not None:
            for path in self._store.paths():
                if path.stem == id:
                    return path.read_text(encoding="utf-8")
        else:
            for known, read in RunIndex(self.database).contents():
                if known == id:
                    return read()
        raise HarnessError(f"There is no record of the run {id}.")

    def record(self, id: str) -> RunRecord:
        """A record by its full id."""
        return parse(self.text(id), f"The record {id}")


class Interface:
    """Answers requests. Safe to be asked by several threads at once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._page: tuple[Any, bytes] = (None, b"")
        self._making = threading.Lock()

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """The answer to GET `path`. Errors are JSON too: 404 for what is not there, 503 where the database is away."""
        try:
            self._source.refresh()
            if path in {"/", "/index.html"}:
                return Answer(200, "text/html; charset=utf-8", self._dashboard())
            found = self._find(path, query)
        except (HarnessError, ValueError) as error:
            return _json({"error": str(error)}, 503 if isinstance(error, DatabaseAway) else 404)
        if found is None:
            return _json({"error": f"There is no {path} here.", "paths": PATHS}, 404)
        return found if isinstance(found, Answer) else _json(found)

    def _find(self, path: str, query: Mapping[str, str]) -> Any:
        source = self._source
        parts = path.strip("/").split("/")
        if parts[0] != "api":
            return None
        match parts[1:]:
            case []:
                return {"paths": PATHS}
            case ["runs"]:
                with source.database.reading() as connection:
                    return run_documents(connection, int(query.get("limit", 1000)))
            case ["runs", name]:
                with source.database.reading() as connection:
                    run = find_run(connection, name)
                    return {**run, "results": result_documents(connection, run["number"], query.get("model"))}
            case ["records", name]:
                with source.database.reading() as connection:
                    run = find_run(connection, name)
                return Answer(200, "application/json", source.text(run["id"]).encode())
            case ["cases"]:
                with source.database.reading() as connection:
                    return case_documents(connection)
            case ["metrics"]:
                return metrics_document()
            case ["history"]:
                limit = int(query["limit"]) if "limit" in query else None
                return [history_document(one, limit) for one in self._histories(query)]
            case ["changes"]:
                return self._changes(query)
            case ["page"]:
                metrics = (query["metric"],) if "metric" in query else HEADLINES
                limit = int(query.get("limit", 100_000))
                return page_document(source.database, source.labels, query.get("model", "*"), metrics, limit)
        return None

    def _histories(self, query: Mapping[str, str]) -> list[Any]:
        metrics = (query["metric"],) if "metric" in query else HEADLINES
        names = (query.get("model", "*"), query.get("variant", "*"), query.get("target", "*"))
        return histories(self._source.database, self._source.labels, *names, metrics)

    def _changes(self, query: Mapping[str, str]) -> list[Any]:
        try:
            found = self._histories(query)
        except NothingFound:
            return []
        changes = [{**vars(one.series.key), **change_document(change)} for one in found for change in one.changes]
        return sorted(changes, key=lambda change: -change["after"]["started"])

    def _dashboard(self) -> bytes:
        """The same page as `harness report` writes, of the newest run; made again when a run or a label was added."""
        from harness.report.history_source import history_from
        from harness.report.page import render

        source = self._source
        with source.database.reading() as connection:
            newest = run_documents(connection, 2)
            runs = connection.execute(select(func.count()).select_from(RUNS)).scalar_one()
        if not newest:
            raise HarnessError("There is no run yet; `harness run` makes one.")
        state = (newest[0]["id"], runs, tuple(label.id for label in source.labels.of(None)))
        with self._making:
            if self._page[0] != state:
                record = source.record(newest[0]["id"])
                previous = source.record(newest[1]["id"]) if len(newest) > 1 else None
                history = history_from(source.database, source.labels, record)
                self._page = (state, render(record, previous, history).encode("utf-8"))
            return self._page[1]


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, "application/json", json.dumps(value, ensure_ascii=False).encode("utf-8"))
