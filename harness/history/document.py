"""Histories as JSON: for `harness history --json`, for `harness serve` and for the dashboard."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import numpy as np

from harness.history.case_history import History, NothingFound, histories
from harness.history.compact import Json, change_document, compact, kept_indices, merged
from harness.history.metrics import HEADLINES, METRICS, SUMMARISED, metric
from harness.history.series import known_models, matching_cells
from harness.history.summaries import FEWEST_POINTS, content, refresh, summaries
from harness.store.index.database import Database
from harness.store.labels import Labels


def history_document(history: History, limit: int | None = None) -> Json:
    """One series. `points` is how many it has, of which `values` holds those at `places` (all without `limit`);
    `runs`, `started` (seconds since 1970), `low` and `high` go with `values`. `changes` name places in the whole."""
    series = history.series
    places = kept_indices(history, limit)
    return {
        **vars(series.key),
        "unit": series.metric.unit,
        "title": series.metric.title,
        "exact": series.metric.exact,
        "lower_is_better": series.metric.lower_is_better,
        "simulated": series.simulated,
        "repeated": series.repeated,
        "unsteady": series.unsteady,
        "points": len(series),
        "places": places,
        "runs": [series.runs[place].id for place in places],
        "started": [series.runs[place].started for place in places],
        "values": [float(series.values[place]) for place in places],
        "low": None if series.low is None else _numbers(series.low, places),
        "high": None if series.high is None else _numbers(series.high, places),
        "changes": [change_document(change) for change in history.changes],
    }


def page_document(
    database: Database,
    labels: Labels,
    models: str = "*",
    variant: str = "*",
    target: str = "*",
    *,
    metrics: Iterable[str] = HEADLINES,
    limit: int = 100_000,
) -> Json:
    """All that a page needs to draw histories, compact: at most about `limit` points over all series.

    `runs` is a table of the runs that occur, oldest first; a series' `runs` are places in it, its `values`, `low` and
    `high` go with them, and `changes` hold `at`, a place in the series' own points as sent. `series` is empty where the
    index has none. Each series says in `points` how many it had before it was thinned. No series gets fewer points than
    `FEWEST_POINTS`: once `limit` has no room for another, the rest is left out, metric by metric in their order and
    model by model, and `left_out` names each metric and model that was, wholly or in part.

    Where `limit` has no room for twice as many points of each series, they come from the summaries that the index
    keeps, and makes where it lacks them: those of `SUMMARISED`, as any other name may come from whoever asks.
    """
    names = tuple(metrics)
    with database.reading() as connection:
        wanted = [model for model in known_models(connection) if fnmatchcase(model, models)]
        cells = len(matching_cells(connection, models, variant, target))
    room = max(1, limit // FEWEST_POINTS)
    parts: list[Json] | None = None
    if cells * len(names) * 2 > room and set(names) <= set(SUMMARISED):
        parts, left_out = _kept(database, labels, wanted, variant, target, names, room)
    if parts is None:
        parts, left_out = _read(database, labels, wanted, variant, target, names, room, limit)
    found = merged(parts)
    return {
        "metrics": {name: _metric_document(name) for name in names},
        **found,
        "points": sum(one["points"] for one in found["series"]),
        "shown": sum(len(one["values"]) for one in found["series"]),
        "left_out": left_out,
    }


def _read(
    database: Database,
    labels: Labels,
    models: Sequence[str],
    variant: str,
    target: str,
    metrics: Sequence[str],
    room: int,
    limit: int,
) -> tuple[list[Json], list[Json]]:
    """Parts of a page for at most `room` series, and what was left out, out of the results themselves."""
    found: list[History] = []
    left_out: list[Json] = []
    for name in metrics:
        for model in models:
            if len(found) >= room:
                left_out.append({"metric": name, "model": model})
                continue
            try:
                part = histories(database, labels, glob.escape(model), variant, target, metrics=(name,))
            except NothingFound:
                continue
            if len(part) > room - len(found):
                part = part[: room - len(found)]
                left_out.append({"metric": name, "model": model})
            found += part
    return [compact(found, max(FEWEST_POINTS, limit // max(1, len(found))))], left_out


def _kept(
    database: Database,
    labels: Labels,
    models: Sequence[str],
    variant: str,
    target: str,
    metrics: Sequence[str],
    room: int,
) -> tuple[list[Json] | None, list[Json]]:
    """The series out of summaries, with what was left out. None if a run came meanwhile, so that the summaries are no
    longer current."""
    current = refresh(database, labels, metrics, models)
    parts: list[Json] = []
    left_out: list[Json] = []
    with database.reading() as connection:
        kept = {(one.metric, one.model): one for one in summaries(database, connection, current, metrics)}
        if not kept.keys() >= {(name, model) for name in metrics for model in models}:
            return None, []
        for name in metrics:
            for model in models:
                if not kept[name, model].series:
                    continue
                if room <= 0:
                    left_out.append({"metric": name, "model": model})
                    continue
                part = content(database, connection, current, model, name)
                series = [
                    one
                    for one in part["series"]
                    if fnmatchcase(one["variant"], variant) and fnmatchcase(one["target"], target)
                ]
                if len(series) > room:
                    left_out.append({"metric": name, "model": model})
                parts.append({"runs": part["runs"], "series": series[:room]})
                room -= len(series)
    return parts, left_out


def metrics_document() -> list[Json]:
    """The metrics that are known by name."""
    return [{"name": name, **_metric_document(name)} for name in METRICS]


def _metric_document(name: str) -> Json:
    one = metric(name)
    return {"title": one.title, "unit": one.unit, "exact": one.exact, "lower_is_better": one.lower_is_better}


def _numbers(values: np.ndarray, places: Sequence[int]) -> list[float | None]:
    return [None if np.isnan(values[place]) else float(values[place]) for place in places]
