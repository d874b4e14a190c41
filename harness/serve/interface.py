"""The read-only interface: a path and its query in, JSON or the page out. It knows nothing of sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError
from harness.history.case_history import NothingFound, histories
from harness.history.compact import change_document
from harness.history.document import history_document, metrics_document, page_document
from harness.history.metrics import HEADLINES
from harness.history.run_list import case_documents, find_run, result_documents, run_documents
from harness.serve.dashboard import Dashboard, Outdated
from harness.serve.record_source import RecordSource
from harness.store.index.database import DatabaseAway

PATHS = {
    "/": "the dashboard of the newest run",
    "/parts/STATE/NAME": "a part of the dashboard, which asks for it when it is gone to",
    "/api/runs": "runs, newest first; ?limit=",
    "/api/runs/ID": "one run with its results; `latest` is the newest; ?model=",
    "/api/records/ID": "one run's record, as it was written",
    "/api/cases": "every case: model, variant, target",
    "/api/metrics": "the metrics that have a history",
    "/api/history": "series with their changes; ?model= &variant= &target= &metric= &limit= (points each)",
    "/api/changes": "changes alone, newest first; ?model= &variant= &target= &metric=",
    "/api/page": "all histories in one compact document; ?model= &variant= &target= &metric= &limit= (points in all)",
}


@dataclass(frozen=True)
class Answer:
    """What goes back: HTTP status, content type and body."""

    status: int
    type: str
    body: bytes


class Interface:
    """Answers requests. Safe to be asked by several threads at once."""

    def __init__(self, source: RecordSource) -> None:
        self._source = source
        self.dashboard = Dashboard(source)

    def prepare(self) -> None:
        """Read what is new, and make what the next visitor will ask for. Raises `HarnessError` where there is no run
        yet, or the database is away."""
        self._source.refresh()
        self.dashboard.prepare()

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """The answer to GET `path`. Errors are JSON too: 404 for what is not there, 503 where the database is away."""
        try:
            self._source.refresh()
            if path in {"/", "/index.html"}:
                return Answer(200, "text/html; charset=utf-8", self.dashboard.html())
            found = self._find(path, query)
        except (HarnessError, ValueError) as error:
            status = 503 if isinstance(error, DatabaseAway) else 410 if isinstance(error, Outdated) else 404
            return _json({"error": str(error)}, status)
        if found is None:
            return _json({"error": f"There is no {path} here.", "paths": PATHS}, 404)
        return found if isinstance(found, Answer) else _json(found)

    def _find(self, path: str, query: Mapping[str, str]) -> Any:
        source = self._source
        parts = path.strip("/").split("/")
        if parts[0] == "parts" and len(parts) > 2:
            content = self.dashboard.part(parts[1], "/".join(parts[2:]))
            return None if content is None else Answer(200, "application/json", content)
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
                names = (query.get(name, "*") for name in ("model", "variant", "target"))
                return page_document(source.database, source.labels, *names, metrics=metrics, limit=limit)
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


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, "application/json", json.dumps(value, ensure_ascii=False).encode("utf-8"))
