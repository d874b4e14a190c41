"""Histories as a page has them: series with few points, whose runs are places in one table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.history.case_history import ChangePoint, History
from harness.history.series import RunReference

Json = dict[str, Any]


def compact(histories: Sequence[History], each: int) -> Json:
    """`runs`, the table of the runs that occur, oldest first, and `series` with at most about `each` points: their
    `runs` are places in the table, `values`, `low` and `high` go with them, and `changes` hold `at`, a place in the
    series' own points as they stand here. Each says in `points` how many it has in all."""
    chosen = [kept_indices(history, each) for history in histories]
    used = {
        run.id: run for history, places in zip(histories, chosen, strict=True) for run in _runs_at(history, places)
    } | {run.id: run for history in histories for change in history.changes for run in (change.before, change.after)}
    runs = sorted(used.values(), key=lambda run: (run.started, run.id))
    numbers = {run.id: index for index, run in enumerate(runs)}
    return {
        "runs": [run_document(run) for run in runs],
        "series": [_series(history, places, numbers) for history, places in zip(histories, chosen, strict=True)],
    }


def merged(parts: Sequence[Json]) -> Json:
    """Several of what `compact` makes as one; a part may hold runs that none of its series has any more."""
    runs = {run["id"]: run for part in parts for run in map(part["runs"].__getitem__, _places_in_use(part))}
    ordered = sorted(runs.values(), key=lambda run: (run["started"], run["id"]))
    numbers = {run["id"]: index for index, run in enumerate(ordered)}
    series = []
    for part in parts:
        place = {used: numbers[part["runs"][used]["id"]] for used in _places_in_use(part)}
        for one in part["series"]:
            changes = [
                {**change, "before": place[change["before"]], "after": place[change["after"]]}
                for change in one["changes"]
            ]
            series.append({**one, "runs": [place[run] for run in one["runs"]], "changes": changes})
    return {"runs": ordered, "series": series}


def _places_in_use(part: Json) -> set[int]:
    """Places in the part's table of the runs that its series have."""
    changes = [change for one in part["series"] for change in one["changes"]]
    ends = {change[end] for change in changes for end in ("before", "after")}
    return ends.union(*(one["runs"] for one in part["series"]))


def change_document(change: ChangePoint) -> Json:
    """One change. `size`, `low` and `high` are shares of the value before where `relative`, differences otherwise."""
    step = dict(vars(change.step))
    return {
        "id": change.id,
        "place": step.pop("index"),
        "from": step.pop("before"),
        "to": step.pop("after"),
        **step,
        "worse": change.worse,
        "before": run_document(change.before),
        "after": run_document(change.after),
        "differences": [dict(vars(difference)) for difference in change.differences],
        "label": None
        if change.label is None
        else {"kind": change.label.kind, "note": change.label.note, "created": change.label.created},
    }


def run_document(run: RunReference) -> Json:
    """The run that a point is from."""
    return {"id": run.id, "started": run.started, "commit": run.commit, "machine": run.machine}


def _series(history: History, places: Sequence[int], numbers: dict[str, int]) -> Json:
    series = history.series
    at = {index: position for position, index in enumerate(places)}
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


def kept_indices(history: History, limit: int | None) -> list[int]:
    """Places of the points that are shown where there is room for `limit`: of all without it."""
    if limit is None:
        return list(range(len(history.series)))
    return thinned(history.series.values, limit, (change.step.index for change in history.changes))


def _exact(values: NDArray[np.float64], places: Sequence[int]) -> list[float]:
    """Whole where they are."""
    return [int(value) if value.is_integer() else value for value in values[places].tolist()]


def _rounded(values: NDArray[np.float64], places: Sequence[int], digits: int) -> list[float | None]:
    """Values rounded to `digits` significant digits, which is more than noisy figures have. Null for what is not
    finite."""
    chosen = values[places]
    sizes = np.where(np.isfinite(chosen) & (chosen != 0.0), np.abs(chosen), 1.0)
    decimals = digits - 1.0 - np.floor(np.log10(sizes))
    # Either power is a whole number that a float64 has exactly, so what comes is the float64 next to the decimal.
    up, down = 10.0 ** np.clip(decimals, 0, 22), 10.0 ** np.clip(-decimals, 0, 22)
    found = np.round(chosen * up / down) / up * down
    return [value if math.isfinite(value) else None for value in found.tolist()]


def thinned(values: NDArray[np.float64], limit: int, keep: Iterable[int] = ()) -> list[int]:
    """Places of at most about `limit` values (≥ 4), in order: of each of equal buckets the lowest and the highest, so
    that no extreme is lost; the first and the last; and those of `keep`, where the series changes, with the one
    before each. All of them where there are no more than `limit`."""
    count = len(values)
    if count <= limit:
        return list(range(count))
    keep = list(keep)
    buckets = max(1, (limit - 2) // 2)
    bounds = np.linspace(0, count, buckets + 1).astype(int)
    chosen = {0, count - 1, *keep, *(place - 1 for place in keep)}
    for start, end in pairwise(bounds):
        part = values[start:end]
        if len(part):
            chosen |= {int(start + part.argmin()), int(start + part.argmax())}
    return sorted(chosen)
