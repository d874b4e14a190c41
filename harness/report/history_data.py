"""What a page knows of the histories of its cases, and where that comes from: the index beside the records."""

from __future__ import annotations

import glob
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.report import numbers
from harness.report.anchors import history_anchor
from harness.store.record import RunRecord

if TYPE_CHECKING:
    from harness.store.index.database import Database
    from harness.store.labels import Labels


@dataclass(frozen=True)
class HistoryData:
    """Series of figures over runs, thinned already where they were long.

    `document` holds `metrics` (name to title, unit, exact, lower_is_better), `runs` (id, started, commit, machine) and
    `series`: model, variant, target, machine, environment, metric, `runs` (places in the table of runs), `values`,
    `low`, `high`, `changes`, and in `points` how many there were before thinning. It may hold `points`, all that there
    were, and `left_out`, the metrics and models for which there was no room.
    """

    document: Mapping[str, Any]

    @property
    def series(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.document["series"]
        return found

    def cases(self) -> set[str]:
        """`model/variant/target` of each case that has a series."""
        return {f"{one['model']}/{one['variant']}/{one['target']}" for one in self.series}

    def compact(self) -> dict[str, Any]:
        """What the page is given: series by case, under the name of their place in the page."""
        cases: dict[str, list[dict[str, Any]]] = {}
        names: dict[str, list[str]] = {}
        for one in self.series:
            key = history_anchor(one["model"], one["target"], one["variant"])
            names[key] = [one["model"], one["variant"], one["target"]]
            cases.setdefault(key, []).append(
                {name: value for name, value in one.items() if name not in {"model", "variant", "target"}}
            )
        document = self.document
        return {
            "metrics": document["metrics"],
            "runs": document["runs"],
            "points": document.get("points", sum(one["points"] for one in self.series)),
            "shown": sum(len(one["values"]) for one in self.series),
            "leftOut": document.get("left_out", []),
            "names": names,
            "cases": cases,
        }


@dataclass(frozen=True)
class RecentChange:
    """Changes of one figure at one run in one direction, for the front page: the largest, and how many more."""

    anchor: str
    case: str
    title: str
    words: str
    worse: bool
    up: bool
    more: int
    day: str
    causes: str
    label: str


def recent_changes(history: HistoryData, most: int = 4) -> list[RecentChange]:
    """The newest change points that nobody has labelled as noise, newest first, those of one run put together."""
    runs = history.document["runs"]
    metrics = history.document["metrics"]
    groups: dict[tuple[int, str, bool], list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for one in history.series:
        for change in one["changes"]:
            if not (change["label"] and change["label"]["kind"] == "noise"):
                groups.setdefault((change["after"], one["metric"], change["worse"]), []).append((one, change))
    newest = sorted(groups.items(), key=lambda item: (-runs[item[0][0]]["started"], not item[0][2]))
    found = []
    for (after, metric, _), members in newest[:most]:
        one, change = max(members, key=lambda member: abs(member[1]["size"]))
        started = runs[after]["started"]
        found.append(recent_change(one, metrics[metric]["title"], change, len(members) - 1, started))
    return found


def recent_change(
    one: Mapping[str, Any], title: str, change: Mapping[str, Any], more: int, started: float
) -> RecentChange:
    """The `change` of the series `one` (model, variant, target) at a run that started at `started`, together with
    `more` others."""
    differences = change["differences"]
    return RecentChange(
        anchor=history_anchor(one["model"], one["target"], one["variant"]),
        case=f"{one['model']} {one['variant']} on {one['target']}",
        title=title,
        words=_words(change),
        worse=change["worse"],
        up=change["to"] > change["from"],
        more=more,
        day=f"{datetime.fromtimestamp(started, UTC):%-d %B %Y}",
        causes=", ".join(f"{one['name']} {_short(one['before'])} → {_short(one['after'])}" for one in differences[:2])
        + (f" and {len(differences) - 2} more" if len(differences) > 2 else ""),
        label=change["label"]["kind"] if change["label"] else "",
    )


def _short(text: str) -> str:
    """A hash by its beginning."""
    return text[:7] if re.fullmatch(r"[0-9a-f]{13,}(\+\w+)?", text) else text or "none"


def _words(change: Mapping[str, Any]) -> str:
    if not change["relative"]:
        return f"{numbers.optional(change['from'])} → {numbers.optional(change['to'])}"
    size, low, high = (100 * change[name] for name in ("size", "low", "high"))
    interval = "" if low == high else f" ({low:+.2g} to {high:+.2g} %)"
    return f"{size:+.3g} %{interval}".replace("-", "−")


MOST_POINTS = 100_000
"""Points in one page, over all series. More would slow the opening; longer series are thinned, and the page says so."""


def history_of(record: RunRecord, results: Path) -> HistoryData | None:
    """The histories of a record's cases, from the team's database or the index beside the records. None where there is
    neither.

    One that cannot be read is named on standard error, and the page does without it."""
    from harness.store.index.database import INDEX_FILE, Database, team_url
    from harness.store.index.folder import FolderIndex
    from harness.store.labels import LabelFiles, LabelTable

    url = team_url()
    if url is None and not (results / INDEX_FILE).exists():
        return None
    try:
        if url is not None:
            database = Database(url)
            return history_from(database, LabelTable(database), record)
        index = FolderIndex(results)
        index.synchronise()
        return history_from(index.database, LabelFiles(results), record)
    except HarnessError as error:
        print(f"harness: the dashboard has no history: {error}", file=sys.stderr)
        return None


def history_from(database: Database, labels: Labels, record: RunRecord) -> HistoryData | None:
    """The series of the record's models; None where the index has none. Raises `HarnessError` where it is away."""
    from harness.history.document import page_document
    from harness.history.metrics import SUMMARISED

    models = {case.model for case in record.cases}
    wanted = glob.escape(*models) if len(models) == 1 else "*"
    document = page_document(database, labels, wanted, metrics=SUMMARISED, limit=MOST_POINTS)
    series = [one for one in document["series"] if one["model"] in models]
    left_out = [one for one in document.get("left_out", []) if one["model"] in models]
    return HistoryData(document | {"series": series, "left_out": left_out}) if series else None


def recent_from(database: Database, labels: Labels, record: RunRecord) -> list[RecentChange]:
    """The newest changes in the history of the record's models. Raises `HarnessError` where the index is away."""
    from harness.history.metrics import SUMMARISED, metric
    from harness.history.summaries import recent

    groups = recent(database, labels, SUMMARISED, {case.model for case in record.cases})
    return [
        recent_change(one, metric(one["metric"]).title, one["change"], one["more"], one["started"]) for one in groups
    ]


def case_history(database: Database, labels: Labels, model: str, variant: str, target: str) -> HistoryData | None:
    """The series of one case; None where the index has none. Raises `HarnessError` where it is away."""
    from harness.history.document import page_document
    from harness.history.metrics import SUMMARISED

    names = (glob.escape(name) for name in (model, variant, target))
    document = page_document(database, labels, *names, metrics=SUMMARISED, limit=MOST_POINTS)
    return HistoryData(document) if document["series"] else None
