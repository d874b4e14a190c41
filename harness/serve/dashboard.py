"""Serves the dashboard: the first view at once, every other part when a reader opens it. Nothing is made twice while
the index is unchanged."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from harness.errors import HarnessError
from harness.history.run_list import case_documents, run_documents
from harness.store.index.tables import RUNS

if TYPE_CHECKING:
    from harness.report.history_data import HistoryData
    from harness.report.page import Page
    from harness.serve.record_source import RecordSource

PREPARED = ("news", "history")
"""Parts that take a while to make, and that whoever comes goes to first."""
KEPT = 2
"""Pages whose parts are still answered: the newest, and the one before it, which somebody may be reading."""


class Outdated(HarnessError):
    """A part of a page that is no longer kept."""


@dataclass
class _Kept:
    """A page with the parts of it that were asked for."""

    page: Page
    html: bytes
    parts: dict[str, bytes] = field(default_factory=dict)
    locks: dict[str, threading.Lock] = field(default_factory=dict)


class Dashboard:
    """Safe to be asked by several threads at once."""

    def __init__(self, source: RecordSource) -> None:
        self._source = source
        self._pages: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def html(self) -> bytes:
        """The page of the newest run, made again when a run or a label was added. Raises `HarnessError` where there is
        no run yet."""
        return self._newest()[1].html

    def part(self, state: str, name: str) -> bytes | None:
        """A part of the page of that state of the index, as JSON; None where it has no such part. Raises `Outdated`."""
        with self._lock:
            kept = self._pages.get(state)
            if kept is None:
                raise Outdated("There are newer runs than this page shows: load it again.")
            lock = kept.locks.setdefault(name, threading.Lock())
        with lock:
            if name not in kept.parts:
                from harness.report.packing import to_json

                part = kept.page.part(name)
                if part is None:
                    return None
                kept.parts[name] = to_json(part).encode("utf-8")
            return kept.parts[name]

    def prepare(self) -> None:
        """Make what the next visitor will ask for: the page, what changed lately, and the histories.

        On one processor, as nobody waits for it and somebody may be measuring on this machine.
        """
        from harness.history.metrics import SUMMARISED
        from harness.history.summaries import refresh

        state, kept = self._newest()
        if kept.parts.keys() >= set(PREPARED):
            return
        refresh(self._source.database, self._source.labels, SUMMARISED, processes=1)
        for name in PREPARED:
            self.part(state, name)

    def _newest(self) -> tuple[str, _Kept]:
        with self._lock:
            newest, state = self._state()
            if state not in self._pages:
                while len(self._pages) >= KEPT:  # first, so that reading the record finds the old page's memory free
                    self._pages.popitem(last=False)
                self._pages[state] = self._made(newest, state)
            return state, self._pages[state]

    def _state(self) -> tuple[list[dict[str, Any]], str]:
        """The two newest runs, and a name for all that the page is made of."""
        source = self._source
        with source.database.reading() as connection:
            newest = run_documents(connection, 2)
            runs = connection.execute(select(func.count()).select_from(RUNS)).scalar_one()
        if not newest:
            raise HarnessError("There is no run yet; `harness run` makes one.")
        told = "\0".join([newest[0]["id"], str(runs), *(label.id for label in source.labels.of(None))])
        return newest, hashlib.sha256(told.encode()).hexdigest()[:16]

    def _made(self, newest: list[dict[str, Any]], state: str) -> _Kept:
        from harness.report.anchors import history_anchor
        from harness.report.history_data import case_history, history_from, recent_from
        from harness.report.page import Page

        source = self._source
        record = source.record(newest[0]["id"])

        with source.database.reading() as connection:
            cases = case_documents(connection)

        def of_case(place: str) -> HistoryData | None:
            for case in cases:
                if place == history_anchor(case["model"], case["target"], case["variant"]):
                    return case_history(source.database, source.labels, **case)
            return None

        page = Page(
            record,
            (lambda: source.record(newest[1]["id"])) if len(newest) > 1 else None,
            lambda: history_from(source.database, source.labels, record),
            lambda: {"/".join(case.values()) for case in cases},
            of_case,
            lambda: recent_from(source.database, source.labels, record),
        )
        return _Kept(page, page.served_html(f"/parts/{state}/").encode("utf-8"))
