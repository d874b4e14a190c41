"""What a page of all models says of their histories, kept in the index: made once a run, read in a moment.

A year of 12,000 cases has 60,000 series and 20 million points, of which a page shows a few each. Finding their change
points takes a minute, which nobody should wait for who opens a page; so the histories of each model are kept as a page
has them, one row a metric, with the hash of what they are made from.
"""

from __future__ import annotations

import glob
import hashlib
import json
import multiprocessing
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from harness.errors import HarnessError
from harness.history.cache import method_digest
from harness.history.compact import Json, change_document, compact
from harness.history.history import History, NothingFound, histories
from harness.store.index.database import Database
from harness.store.index.reading import end_with_parent
from harness.store.index.tables import CELLS, RESULTS, RUNS, SUMMARIES
from harness.store.labels import GivenLabels, Label, Labels

FEWEST_POINTS = 24
"""Of one series in a page: with fewer a drawing shows no history."""
_FORM = b"1"
"""Rises when `content` or `recent` come to mean something else."""
WORTH_A_PROCESS = 500
"""Cases for each process: starting one costs as much as so many of them."""
MOST_RECENT = 4
"""Groups of changes that are kept of each metric and model: a front page shows as many of all."""


@dataclass(frozen=True)
class Summary:
    """The histories of one metric of one model. `recent` holds groups of changes, newest first; see `recent_groups`."""

    model: str
    metric: str
    series: int
    recent: tuple[Json, ...]


def states(connection: Connection, labels: Sequence[Label]) -> dict[str, str]:
    """What the summaries of each model must have been made from: its runs, its labels, and the method."""
    own: dict[str, list[str]] = {}
    for label in labels:
        own.setdefault(label.model, []).append(label.id)
    query = select(RESULTS.c.model, func.count(), func.max(RESULTS.c.run)).group_by(RESULTS.c.model)
    rows = connection.execute(query).all()
    # SQLite gives the number of the newest run again once that was taken out; any other run leaves a gap.
    records = {row.number: row.sha256 for row in connection.execute(select(RUNS.c.number, RUNS.c.sha256))}
    return {
        model: hashlib.sha256(
            b"\0".join([_FORM, method_digest(), f"{runs} {records[newest]} {sorted(own.get(model, []))}".encode()])
        ).hexdigest()
        for model, runs, newest in rows
    }


def refresh(
    database: Database,
    labels: Labels,
    metrics: Iterable[str],
    models: Iterable[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, str]:
    """Make the summaries of `models`, or of all, that are not up to date; the state that each of these models has.

    Costs one or two seconds for 240 cases over a year, on every processor that there is. Where the index cannot be
    written nothing is kept, and they are made again when they are needed.
    """
    names = tuple(metrics)
    with database.reading() as connection:
        known = labels.of(None)
        current = states(connection, known)
        query = select(SUMMARIES.c.model, SUMMARIES.c.metric, SUMMARIES.c.state)
        kept = {(row.model, row.metric) for row in connection.execute(query) if current.get(row.model) == row.state}
    wanted = current if models is None else {model: current[model] for model in models if model in current}
    stale = {model: tuple(name for name in names if (model, name) not in kept) for model in wanted}
    stale = {model: missing for model, missing in stale.items() if missing}
    for model, rows in _made(database, labels, stale):
        progress(model)
        _write(database, [{**row, "state": current[model]} for row in rows])
    return wanted


def summaries(connection: Connection, current: Mapping[str, str], metrics: Iterable[str]) -> list[Summary]:
    """The summaries of the models of `current` that were made from that state, in no order."""
    query = select(SUMMARIES.c.model, SUMMARIES.c.metric, SUMMARIES.c.state, SUMMARIES.c.series, SUMMARIES.c.recent)
    return [
        Summary(row.model, row.metric, row.series, tuple(json.loads(row.recent)))
        for row in connection.execute(query.where(SUMMARIES.c.metric.in_(list(metrics))))
        if current.get(row.model) == row.state
    ]


def content(connection: Connection, model: str, metric: str) -> Json:
    """The series of a summary as `harness.history.compact.compact` has them."""
    query = select(SUMMARIES.c.content).where(SUMMARIES.c.model == model, SUMMARIES.c.metric == metric)
    found: Json = json.loads(zlib.decompress(connection.execute(query).scalar_one()))
    return found


def recent_groups(found: Sequence[History]) -> list[Json]:
    """The newest changes that nobody has labelled as noise, newest first, at most `MOST_RECENT` groups: those at one
    run in one direction, as the largest of them (`model`, `variant`, `target`, `metric`, `change`), with when that run
    `started`, and `more`, how many others there are."""
    groups: dict[tuple[str, bool], list[tuple[History, Any]]] = {}
    for one in found:
        for change in one.changes:
            if not (change.label and change.label.kind == "noise"):
                groups.setdefault((change.after.id, change.worse), []).append((one, change))
    newest = sorted(groups.values(), key=lambda members: (-members[0][1].after.started, not members[0][1].worse))
    documents = []
    for members in newest[:MOST_RECENT]:
        one, change = max(members, key=lambda member: abs(member[1].step.size))
        key = one.series.key
        documents.append(
            {
                "model": key.model,
                "variant": key.variant,
                "target": key.target,
                "metric": key.metric,
                "started": change.after.started,
                "more": len(members) - 1,
                "change": change_document(change),
            }
        )
    return documents


def recent(
    database: Database, labels: Labels, metrics: Iterable[str], models: Iterable[str] | None = None
) -> list[Json]:
    """The newest changes of `models`, or of all, as `recent_groups` has them; the summaries that are not up to date
    are made first."""
    names = tuple(metrics)
    current = refresh(database, labels, names, models)
    with database.reading() as connection:
        found = summaries(connection, current, names)
    groups: dict[tuple[str, str, bool], list[Json]] = {}
    for one in found:
        for group in one.recent:
            change = group["change"]
            groups.setdefault((change["after"]["id"], group["metric"], change["worse"]), []).append(group)
    # Of the newest groups of all, a model's own are among its newest: each was kept.
    newest = sorted(groups.values(), key=lambda members: (-members[0]["started"], not members[0]["change"]["worse"]))
    return [
        max(members, key=lambda group: abs(group["change"]["size"]))
        | {"more": sum(group["more"] + 1 for group in members) - 1}
        for members in newest[:MOST_RECENT]
    ]


def _made(database: Database, labels: Labels, stale: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, list[Json]]]:
    """The rows of each model's metrics."""
    url = database.engine.url.render_as_string(hide_password=False)
    work = [(url, _Given(labels.of(model)), model, names) for model, names in stale.items()]
    with database.reading() as connection:
        cells = sum(name in stale for name in connection.execute(select(CELLS.c.model)).scalars())
    processes = min(os.cpu_count() or 1, len(work), cells // WORTH_A_PROCESS)
    if processes < 2:
        for _, given, model, names in work:
            yield model, _rows(database, given, model, names)
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=end_with_parent) as pool:
        try:
            yield from zip(stale, pool.map(_rows_apart, *zip(*work, strict=True)), strict=True)
        except BrokenProcessPool as error:
            raise HarnessError("A process that read histories was ended from outside; run the same again.") from error


@dataclass(frozen=True)
class _Given:
    """Labels that were read already, for a process that need not know where they are kept."""

    labels: list[Label]

    def of(self, model: str | None) -> list[Label]:
        return [label for label in self.labels if model in {None, label.model}]


def _rows_apart(url: str, labels: GivenLabels, model: str, metrics: Sequence[str]) -> list[Json]:
    database = Database(url)
    try:
        return _rows(database, labels, model, metrics)
    finally:
        database.close()


def _rows(database: Database, labels: GivenLabels, model: str, metrics: Sequence[str]) -> list[Json]:
    """A row of `SUMMARIES` for each metric, without its state."""
    try:
        found = histories(database, labels, glob.escape(model), metrics=metrics)
    except NothingFound:
        found = []
    rows = []
    for name in metrics:
        own = [one for one in found if one.series.key.metric == name]
        text = json.dumps(compact(own, FEWEST_POINTS), ensure_ascii=False, separators=(",", ":"))
        rows.append(
            {
                "model": model,
                "metric": name,
                "series": len(own),
                "recent": json.dumps(recent_groups(own)),
                "content": zlib.compress(text.encode("utf-8"), 1),
            }
        )
    return rows


def _write(database: Database, rows: list[Json]) -> None:
    insert: Any = postgresql.insert if database.is_postgresql else sqlite.insert
    statement = insert(SUMMARIES)
    changed = {name: statement.excluded[name] for name in ("state", "series", "recent", "content")}
    statement = statement.on_conflict_do_update(index_elements=["model", "metric"], set_=changed)
    try:
        with database.writing() as connection:
            connection.execute(statement, rows)
    except HarnessError:
        return  # read-only, or busy: who needs them makes them again
