"""Summaries of all models' histories, kept in the index: made once after a run, read in a moment.

A year of 12,000 cases has 60,000 series and 20 million points, of which a page shows a few each. Finding their change
points takes a minute: too long for somebody who opens a page. So the index keeps the histories of each model in the
form that a page needs: one row a metric, with the hash of what it was made from.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from harness.errors import HarnessError
from harness.history.case_history import History, NothingFound, histories
from harness.history.change_point_cache import method_digest
from harness.history.compact import Json, change_document, compact
from harness.store.index.database import Database
from harness.store.index.processes import in_processes
from harness.store.index.tables import CELLS, RESULTS, RUNS, SUMMARIES
from harness.store.labels import Label, Labels, LabelSource

FEWEST_POINTS = 24
"""Points of one series in a page; a drawing with fewer points shows no history."""
WORTH_A_PROCESS = 500
"""Cases per process: starting a process costs as much as this many cases."""
MOST_RECENT = 4
"""Groups of changes that are kept of each metric and model: a front page shows as many of all."""

_MAKING = threading.Lock()
"""Two who ask at once wait for the same work."""
_UNWRITTEN: WeakKeyDictionary[Database, dict[tuple[str, str], Json]] = WeakKeyDictionary()
"""Rows by model and metric that an index would not take: it may be read-only."""


@dataclass(frozen=True)
class Summary:
    """The histories of one metric of one model. `recent` holds groups of changes, newest first; see `recent_groups`."""

    model: str
    metric: str
    series: int
    recent: tuple[Json, ...]


def refresh(
    database: Database,
    labels: Labels,
    metrics: Iterable[str],
    models: Iterable[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
    processes: int | None = None,
) -> dict[str, str]:
    """Make the summaries of `models`, or of all, that are not up to date; the state that each of these models has.

    Costs one or two seconds for 240 cases over a year, on at most `processes` processors, or all that there are. Where
    the index cannot be written they last as long as `database` does.
    """
    names, chosen = tuple(metrics), None if models is None else tuple(models)
    _, stale, wanted = _missing(database, labels, names, chosen)
    if not stale:
        return wanted
    with _MAKING:
        known, stale, wanted = _missing(database, labels, names, chosen)  # another may have made them meanwhile
        for model, rows in _made(database, known, stale, processes):
            progress(model)
            _write(database, [{**row, "state": wanted[model]} for row in rows])
    return wanted


def _missing(
    database: Database, labels: Labels, metrics: Sequence[str], models: Sequence[str] | None
) -> tuple[list[Label], dict[str, tuple[str, ...]], dict[str, str]]:
    """The labels, the metrics of each model that have no summary of today, and today's state of each model."""
    known = labels.of(None)  # before, as a team's are read over a connection of their own
    with database.reading() as connection:
        current = states(connection, known)
        query = select(SUMMARIES.c.model, SUMMARIES.c.metric, SUMMARIES.c.state)
        kept = {(row.model, row.metric) for row in connection.execute(query) if current.get(row.model) == row.state}
    kept |= _unwritten_rows(database, current, metrics).keys()
    wanted = current if models is None else {model: current[model] for model in models if model in current}
    stale = {model: tuple(name for name in metrics if (model, name) not in kept) for model in wanted}
    return known, {model: missing for model, missing in stale.items() if missing}, wanted


def summaries(
    database: Database, connection: Connection, current: Mapping[str, str], metrics: Iterable[str]
) -> list[Summary]:
    """The summaries of the models of `current` that were made from that state, in no order."""
    names = tuple(metrics)
    query = select(SUMMARIES.c.model, SUMMARIES.c.metric, SUMMARIES.c.state, SUMMARIES.c.series, SUMMARIES.c.recent)
    found = {
        (row.model, row.metric): Summary(row.model, row.metric, row.series, tuple(json.loads(row.recent)))
        for row in connection.execute(query.where(SUMMARIES.c.metric.in_(names)))
        if current.get(row.model) == row.state
    }
    for (model, name), row in _unwritten_rows(database, current, names).items():
        found[model, name] = Summary(model, name, row["series"], tuple(json.loads(row["recent"])))
    return list(found.values())


def content(database: Database, connection: Connection, current: Mapping[str, str], model: str, metric: str) -> Json:
    """The series of one of these summaries as `harness.history.compact.compact` has them."""
    row = _unwritten_rows(database, current, (metric,)).get((model, metric))
    if row is None:
        query = select(SUMMARIES.c.content).where(SUMMARIES.c.model == model, SUMMARIES.c.metric == metric)
        packed = connection.execute(query).scalar_one()
    else:
        packed = row["content"]
    found: Json = json.loads(zlib.decompress(packed))
    return found


def _unwritten_rows(
    database: Database, current: Mapping[str, str], metrics: Sequence[str]
) -> dict[tuple[str, str], Json]:
    """Rows of `current` that the index would not take, by model and metric."""
    rows = dict(_UNWRITTEN.get(database, {}))
    return {key: row for key, row in rows.items() if key[1] in metrics and current.get(key[0]) == row["state"]}


def recent_groups(histories: Sequence[History]) -> list[Json]:
    """The newest changes that nobody has labelled as noise, newest first, at most `MOST_RECENT` groups: those at one
    run in one direction, as the largest of them (`model`, `variant`, `target`, `metric`, `change`), with when that run
    `started`, and `more`, how many others there are."""
    groups: dict[tuple[str, bool], list[tuple[History, Any]]] = {}
    for one in histories:
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
        found = summaries(database, connection, current, names)
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


def _made(
    database: Database, known: Sequence[Label], stale: Mapping[str, tuple[str, ...]], most: int | None
) -> Iterator[tuple[str, list[Json]]]:
    """The rows of each model's metrics, made by at most `processes` processes."""
    url = database.engine.url.render_as_string(hide_password=False)
    given = {model: _LabelsInMemory([label for label in known if label.model == model]) for model in stale}
    with database.reading() as connection:
        cells = sum(name in stale for name in connection.execute(select(CELLS.c.model)).scalars())
    processes = min(most or os.cpu_count() or 1, len(stale), cells // WORTH_A_PROCESS)
    # A single one is worth its start only to whom this process must go on answering meanwhile.
    if processes < (1 if most == 1 else 2):
        for model, names in stale.items():
            yield model, _rows(database, given[model], model, names)
        return
    work = ((url, given[model], model, names) for model, names in stale.items())
    yield from zip(stale, in_processes(processes, "read histories", _rows_apart, work), strict=True)


@dataclass(frozen=True)
class _LabelsInMemory:
    """Labels that were read already, for a process that need not know where they are kept."""

    labels: list[Label]

    def of(self, model: str | None) -> list[Label]:
        return [label for label in self.labels if model in {None, label.model}]


def _rows_apart(url: str, labels: LabelSource, model: str, metrics: Sequence[str]) -> list[Json]:
    database = Database(url)
    try:
        return _rows(database, labels, model, metrics)
    finally:
        database.close()


def _rows(database: Database, labels: LabelSource, model: str, metrics: Sequence[str]) -> list[Json]:
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
    own = {(row["model"], row["metric"]): row for row in rows}
    refused = _UNWRITTEN.get(database, {})
    try:
        with database.writing() as connection:
            connection.execute(statement, rows)
    except HarnessError:  # read-only, or busy
        _UNWRITTEN[database] = refused | own
    else:
        _UNWRITTEN[database] = {key: row for key, row in refused.items() if key not in own}


_CODE = ("case_history", "compact", "differences", "metrics", "series", "summaries")
"""Modules beside this one that make summaries, besides those that find change points."""


def states(connection: Connection, labels: Sequence[Label]) -> dict[str, str]:
    """Model to the hash of its runs, all of them, of its labels, and of the code."""
    own: dict[str, list[str]] = {}
    for label in labels:
        own.setdefault(label.model, []).append(label.id)
    # Numbers say nothing: SQLite gives that of the newest run again once that was taken out.
    records = {row.number: row.sha256 for row in connection.execute(select(RUNS.c.number, RUNS.c.sha256))}
    runs: dict[str, list[str]] = {}
    for model, number in connection.execute(select(RESULTS.c.model, RESULTS.c.run)):
        runs.setdefault(model, []).append(records[number])
    return {
        model: hashlib.sha256(
            b"\0".join([_code(), *(" ".join(sorted(of)).encode() for of in (hashes, own.get(model, [])))])
        ).hexdigest()
        for model, hashes in runs.items()
    }


@cache
def _code() -> bytes:
    files = (Path(__file__).with_name(f"{name}.py") for name in _CODE)
    return hashlib.sha256(b"\0".join([method_digest(), *(path.read_bytes() for path in files)])).digest()
