"""The dashboard: run records to one self-contained HTML file that opens from disk with no network."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.changes import Changes, changes
from harness.report.history_data import HistoryData
from harness.store.record import CaseResult, RunRecord

if TYPE_CHECKING:
    from harness.report.model_view import ModelView


def render(record: RunRecord, previous: RunRecord | None = None, history: HistoryData | None = None) -> str:
    """The page as text: of `record`, what changed since `previous`, and the history of its figures.

    Everything from a record is escaped: names and reasons are not to be trusted.
    """
    from harness.report import assets
    from harness.report.chart_kit import chart_kit
    from harness.report.history_data import recent_changes
    from harness.report.matrix import matrix
    from harness.report.model_view import model_views
    from harness.report.outcomes import count
    from harness.report.packing import pack, to_json
    from harness.report.summary import verdict, warnings
    from harness.report.templating import environment, inert

    templates = environment()
    differences = changes(record, previous) if previous else None
    kit, script = chart_kit(), assets.script()
    packs = {
        name: pack(to_json(content))
        for name, content in _packs(templates, record, model_views(record), differences, history)
    }
    return templates.get_template("page.html.j2").render(
        record=record,
        verdict=verdict(record),
        warnings=warnings(record),
        counts=count(record.cases),
        matrix=matrix(record),
        changes=differences,
        recent=recent_changes(history) if history else [],
        has_history=history is not None,
        has_microcontrollers="microcontrollers" in packs,
        packs=packs | {"charts": kit.packed},
        data=inert(to_json(assets.page_data(record, history))),
        policy=assets.policy(kit.library_hash, assets.script_hash(script)),
        style=assets.style(),
        script=script,
    )


def _packs(
    templates: Any,
    record: RunRecord,
    models: list[ModelView],
    differences: Changes | None,
    history: HistoryData | None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The views besides the first, with their data, by the name under which the page looks for them: `model/…` and
    `case/…` for each model, and the other views by their own. A browser reads one when it is gone to: thousands of
    cases cost nothing before that."""
    from harness.report import lists
    from harness.report.anchors import case_anchor, segment
    from harness.report.case_view import case_view
    from harness.report.microcontroller import budgets
    from harness.report.verdict_words import drift_words

    known = history.cases() if history else set()
    changed = {change.case.id for change in differences.latencies + differences.figures} if differences else set()

    def view(template: str, **values: Any) -> str:
        rendered: str = templates.get_template(template).render(record=record, **values)
        return rendered

    def case(one: CaseResult) -> str:
        has_changes, has_history = one.id in changed, one.id in known
        return view("case.html.j2", view=case_view(one), has_history=has_history, has_changes=has_changes)

    for model in models:
        yield (
            model.anchor,
            {"views": {model.anchor: view("model.html.j2", model=model, known=known)}, "charts": model.charts},
        )
        yield f"case/{segment(model.name)}", {"views": {case_anchor(one): case(one) for one in model.cases}}
    yield "cases", {"views": {"cases": view("cases.html.j2")}, "lists": [lists.cases(record)]}
    if differences:
        moved = drift_words(differences.drift) if differences.drift else ""
        page = view("changes.html.j2", changes=differences, drift_words=moved)
        yield "changes", {"views": {"changes": page}, "lists": lists.changed(differences)}
    if history:
        yield "history", {"views": {"history": view("history.html.j2")}, "history": history.compact()}
    boards = budgets(record)
    if boards:
        yield "microcontrollers", {"views": {"microcontrollers": view("microcontrollers.html.j2", budgets=boards)}}
    fresh = sum(one.reused_from is None for one in record.cases)
    yield "run", {"views": {"run": view("run.html.j2", fresh=fresh)}}


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
