"""The history of a record's models out of the index, where there is one."""

from __future__ import annotations

import glob
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.report.history_data import HistoryData, RecentChange, recent_change
from harness.store.record import RunRecord

if TYPE_CHECKING:
    from harness.store.index.database import Database
    from harness.store.labels import Labels

MOST_POINTS = 100_000
"""In one page, over all series: more would slow the opening; longer series are thinned, and the page says so."""


def history_of(record: RunRecord, results: Path) -> HistoryData | None:
    """Out of the team's database or the index beside the records; None where there is neither. One that cannot be read
    is named on standard error: the page does without it."""
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
