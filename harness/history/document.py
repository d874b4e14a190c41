"""Histories as JSON: for `harness history --json`, for `harness serve` and for the dashboard."""

from __future__ import annotations

import glob
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.history.history import ChangePoint, History, NothingFound, histories
from harness.history.metrics import HEADLINES, METRICS, metric
from harness.history.series import RunReference, known_models
from harness.history.thinning import thinned
from harness.store.index.database import Database
from harness.store.labels import Labels

Json = dict[str, Any]

FEWEST_POINTS = 24
"""Of one series in a page: with fewer a drawing shows no history."""


def history_document(history: History, limit: int | None = None) -> Json:
    """One series. `points` is how many it has, of which `values` holds those at `places` (all without `limit`);
    `runs`, `started` (seconds since 1970), `low` and `high` go with `values`. `changes` name places in the whole."""
    series = history.series
    places = _places(history, limit)
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


def change_document(change: ChangePoint) -> Json:
    """One change. `size`, `low` and `high` are shares of the value before where `relative`, differences otherwise."""
    step = asdict(change.step)
    return {
        "id": change.id,
        "place": step.pop("index"),
        "from": step.pop("before"),
        "to": step.pop("after"),
        **step,
        "worse": change.worse,
        "before": run_document(change.before),
        "after": run_document(change.after),
        "differences": [asdict(difference) for difference in change.differences],
        "label": None
        if change.label is None
        else {"kind": change.label.kind, "note": change.label.note, "created": change.label.created},
    }


def run_document(run: RunReference) -> Json:
    """The run that a point is from."""
    return {"id": run.id, "started": run.started, "commit": run.commit, "machine": run.machine}


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
    model by model, and `left_out` names each metric and model that was, wholly or
    in part.
    """
    names = tuple(metrics)
    with database.reading() as connection:
        wanted = [model for model in known_models(connection) if fnmatchcase(model, models)]
    room = max(1, limit // FEWEST_POINTS)
    found: list[History] = []
    left_out: list[Json] = []
    points = 0
    for name in names:
        for model in wanted:
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
            points += sum(len(history.series) for history in part)
            found += part
    each = max(FEWEST_POINTS, limit // max(1, len(found)))
    chosen = [_places(history, each) for history in found]
    used = {run.id: run for history, places in zip(found, chosen, strict=True) for run in _runs_at(history, places)} | {
        run.id: run for history in found for change in history.changes for run in (change.before, change.after)
    }
    runs = sorted(used.values(), key=lambda run: (run.started, run.id))
    numbers = {run.id: place for place, run in enumerate(runs)}
    return {
        "metrics": {name: _metric_document(name) for name in names},
        "runs": [run_document(run) for run in runs],
        "series": [_compact(history, places, numbers) for history, places in zip(found, chosen, strict=True)],
        "points": points,
        "shown": sum(map(len, chosen)),
        "left_out": left_out,
    }


def metrics_document() -> list[Json]:
    """The metrics that are known by name."""
    return [{"name": name, **_metric_document(name)} for name in METRICS]


def _metric_document(name: str) -> Json:
    one = metric(name)
    return {"title": one.title, "unit": one.unit, "exact": one.exact, "lower_is_better": one.lower_is_better}


def _compact(history: History, places: Sequence[int], numbers: dict[str, int]) -> Json:
    series = history.series
    at = {place: position for position, place in enumerate(places)}
    changes = []
    for change in history.changes:
        document = change_document(change)
        document |= {
            "at": at[document.pop("place")],
            "before": numbers[change.before.id],
            "after": numbers[change.after.id],
        }
        changes.append(document)
    return {
        **vars(series.key),
        "simulated": series.simulated,
        "repeated": series.repeated,
        "unsteady": series.unsteady,
        "points": len(series),
        "runs": [numbers[run.id] for run in _runs_at(history, places)],
        "values": _exact(series.values, places) if series.metric.exact else _rounded(series.values, places, 6),
        "low": None if series.low is None else _rounded(series.low, places, 4),
        "high": None if series.high is None else _rounded(series.high, places, 4),
        "changes": changes,
    }


def _runs_at(history: History, places: Sequence[int]) -> list[RunReference]:
    return [history.series.runs[place] for place in places]


def _places(history: History, limit: int | None) -> list[int]:
    if limit is None:
        return list(range(len(history.series)))
    return thinned(history.series.values, limit, (change.step.index for change in history.changes))


def _numbers(values: np.ndarray, places: Sequence[int]) -> list[float | None]:
    return [None if np.isnan(values[place]) else float(values[place]) for place in places]


def _exact(values: NDArray[np.float64], places: Sequence[int]) -> list[float]:
    """Whole where they are."""
    return [int(value) if value.is_integer() else value for value in values[places].tolist()]


def _rounded(values: NDArray[np.float64], places: Sequence[int], digits: int) -> list[float | None]:
    """With so many significant digits, which is more than noisy figures have; null for what is not finite."""
    chosen = values[places]
    sizes = np.where(np.isfinite(chosen) & (chosen != 0.0), np.abs(chosen), 1.0)
    decimals = digits - 1.0 - np.floor(np.log10(sizes))
    # Either power is a whole number that a float64 has exactly, so what comes is the float64 next to the decimal.
    up, down = 10.0 ** np.clip(decimals, 0, 22), 10.0 ** np.clip(-decimals, 0, 22)
    found = np.round(chosen * up / down) / up * down
    return [value if math.isfinite(value) else None for value in found.tolist()]
