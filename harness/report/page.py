"""The dashboard: run records to one self-contained HTML file that opens from disk with no network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.changes import Changes, changes
from harness.report.history_data import HistoryData
from harness.store.record import RunRecord

if TYPE_CHECKING:
    from markupsafe import Markup


def render(record: RunRecord, previous: RunRecord | None = None, history: HistoryData | None = None) -> str:
    """The page as text: of `record`, what changed since `previous`, and the history of its figures.

    Everything from a record is escaped: names and reasons are not to be trusted.
    """
    from harness.report import assets
    from harness.report.history_data import recent_changes
    from harness.report.matrix import matrix
    from harness.report.model_view import model_views
    from harness.report.outcomes import count, troubles
    from harness.report.summary import verdict, warnings
    from harness.report.templating import environment

    templates = environment()
    models = model_views(record)
    differences = changes(record, previous) if previous else None
    fragments = _fragments(templates, record, models, differences, history)
    library, script = assets.chart_library(), assets.script()
    return templates.get_template("page.html.j2").render(
        record=record,
        verdict=verdict(record),
        warnings=warnings(record),
        counts=count(record.cases),
        matrix=matrix(record),
        troubles=troubles(record.cases),
        changes=differences,
        recent=recent_changes(history) if history else [],
        has_history=history is not None,
        fragments=fragments,
        has_microcontrollers="microcontrollers" in fragments,
        data=assets.page_data(record, models, history),
        chart_library=library,
        policy=assets.policy(library, script),
        style=assets.style(),
        script=script,
    )


def _fragments(
    templates: Any, record: RunRecord, models: Any, differences: Changes | None, history: HistoryData | None
) -> dict[str, Markup]:
    """The views besides the first, by the name of their place. A browser reads one when it is gone to: thousands of
    cases cost nothing before that."""
    from harness.report.anchors import case_anchor
    from harness.report.case_view import case_view
    from harness.report.microcontroller import budgets
    from harness.report.templating import fragment

    boards = budgets(record)
    known = history.cases() if history else set()
    changed = {change.case.id for change in differences.latencies + differences.figures} if differences else set()
    found: dict[str, Markup] = {}

    def add(name: str, template: str, **values: Any) -> None:
        found[name] = fragment(templates.get_template(template).render(record=record, **values))

    for model in models:
        add(model.anchor, "model.html.j2", model=model, known=known)
    for case in record.cases:
        view = case_view(case)
        add(case_anchor(case), "case.html.j2", view=view, has_history=case.id in known, has_changes=case.id in changed)
    add("cases", "cases.html.j2")
    if differences:
        add("changes", "changes.html.j2", changes=differences)
    if history:
        add("history", "history.html.j2")
    if boards:
        add("microcontrollers", "microcontrollers.html.j2", budgets=boards)
    add("run", "run.html.j2", fresh=sum(case.reused_from is None for case in record.cases))
    return found


def write(record: RunRecord, path: Path, previous: RunRecord | None = None, history: HistoryData | None = None) -> None:
    """The page into `path`, whole or not at all: a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(render(record, previous, history))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
