"""The history of a case: its series, and each change with its runs, what differs there, its size and its label."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass

from harness.errors import HarnessError
from harness.history.change_point_cache import steps_of
from harness.history.change_points import LevelShift
from harness.history.differences import FactChange, FactReader
from harness.history.metrics import HEADLINES, metric
from harness.history.series import RunReference, Series, known_models, load_series
from harness.store.index.database import Database
from harness.store.labels import Label, LabelSource

REACH = 5
"""Runs by which later runs may move a change point while its label stays with it."""


class NothingFound(HarnessError):
    """The index holds no series for what was asked."""


@dataclass(frozen=True)
class ChangePoint:
    """A change of a series, between two of its runs."""

    id: str
    """Twelve hexadecimal digits, by which a label is put on it."""
    step: LevelShift
    before: RunReference
    after: RunReference
    differences: tuple[FactChange, ...]
    worse: bool
    label: Label | None


@dataclass(frozen=True)
class History:
    """One series with its change points, oldest first."""

    series: Series
    changes: tuple[ChangePoint, ...]


def histories(
    database: Database,
    labels: LabelSource,
    model: str,
    variant: str = "*",
    target: str = "*",
    metrics: Iterable[str] = HEADLINES,
    progress: Callable[[str], None] = lambda _: None,
) -> list[History]:
    """The history of every series that matches; names may be globs. Raises `NothingFound` where there is none.

    A noisy series of a year, daily, costs three to six milliseconds the first time; its change points are kept in the
    index.
    """
    with database.reading() as connection:
        series = [one for name in metrics for one in load_series(connection, metric(name), model, variant, target)]
        if not series:
            raise NothingFound(_nothing(model, known_models(connection), database.name))
    steps = steps_of(database, series, progress)
    known = labels.of(None if set("*?[") & set(model) else model)
    with database.reading() as connection:
        facts = FactReader(connection)
        places = [
            (one, place)
            for one, own in zip(series, steps, strict=True)
            for step in own
            for place in (step.index - 1, step.index)
        ]
        facts.read(
            (one.runs[place].number for one, place in places),
            (int(one.provenance[place]) for one, place in places),
            (int(one.artifacts[place]) for one, place in places),
        )
        return [
            History(one, tuple(_change(one, step, facts, known) for step in own))
            for one, own in zip(series, steps, strict=True)
        ]


def _change(series: Series, step: LevelShift, facts: FactReader, labels: Sequence[Label]) -> ChangePoint:
    before, after = step.index - 1, step.index
    differences = facts.between(
        (series.runs[before].number, series.runs[after].number),
        (int(series.provenance[before]), int(series.provenance[after])),
        (int(series.artifacts[before]), int(series.artifacts[after])),
    )
    return ChangePoint(
        id=change_id(series, step.index),
        step=step,
        before=series.runs[before],
        after=series.runs[after],
        differences=tuple(differences),
        worse=(step.after > step.before) == series.metric.lower_is_better,
        label=_label(series, step, labels),
    )


def change_id(series: Series, index: int) -> str:
    """The name of the change at `index`: a hash of the series and the run after it."""
    told = "\0".join((*astuple(series.key), series.runs[index].id))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def find_change(histories: Iterable[History], beginning: str) -> tuple[Series, ChangePoint]:
    """The change whose id begins so. Raises `HarnessError` where there is none or more than one."""
    matches = [(one.series, change) for one in histories for change in one.changes if change.id.startswith(beginning)]
    if len(matches) != 1:
        many = "several changes" if matches else "no change"
        raise HarnessError(f"There is {many} whose id begins with '{beginning}'; `harness history` names them.")
    return matches[0]


def new_label(series: Series, change: ChangePoint, kind: str, note: str, created: float) -> Label:
    """A label for a change; `created` in seconds since 1970."""
    direction = 1 if change.step.after > change.step.before else -1
    return Label(**vars(series.key), run=change.after.id, started=change.after.started, direction=direction,
                 kind=kind, note=note, created=created)  # fmt: skip


def _is_of(label: Label, series: Series) -> bool:
    key = series.key
    return (label.model, label.variant, label.target, label.metric, label.machine, label.environment) == astuple(key)


def _label(series: Series, step: LevelShift, labels: Sequence[Label]) -> Label | None:
    """The newest label on this change, or one within reach that says the same direction."""
    direction = 1 if step.after > step.before else -1
    labels = [label for label in labels if _is_of(label, series)]
    reach = 0 if series.metric.exact else REACH
    times = [run.started for run in series.runs]
    near = [
        label
        for label in labels
        if label.direction == direction and abs(bisect_left(times, label.started) - step.index) <= reach
    ]
    if not near:
        return None
    newest = max(near, key=lambda label: label.created)
    return None if newest.kind == "none" else newest


def _nothing(model: str, known: list[str], name: str) -> str:
    if not known:
        return f"There is no run in the index {name} yet; `harness run` makes one, `harness pull` fetches others'."
    if model in known:
        return f"The index holds nothing of '{model}' for this variant, target and metric."
    return f"The index holds no model '{model}'; it holds {', '.join(known[:20])}{' …' if len(known) > 20 else ''}."
