"""The dashboard: run records to one self-contained HTML file that opens from disk with no network.

`harness serve` shows the same page, part by part as they are gone to.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.anchors import case_anchor, model_anchor, segment
from harness.report.changes import Changes, changes
from harness.report.history_data import HistoryData, RecentChange, recent_changes
from harness.store.record import CaseResult, RunRecord

if TYPE_CHECKING:
    from harness.report.model_view import ModelView

Part = dict[str, Any]
"""Views of the page with their data, as JSON."""


class Page:
    """The page of one run: of `record`, what changed since `previous`, and the history of its figures.

    Its parts besides the first view are in `parts`, by the name under which the page looks for them: `model/…` and
    `case/…` for each model, and the other views by their own. Each is made when it is called; a browser reads one when
    it is gone to. What is not at hand may be given as a function, which is called when it is needed. Everything from a
    record is escaped: names and reasons are not to be trusted.
    """

    def __init__(
        self,
        record: RunRecord,
        previous: Callable[[], RunRecord] | None = None,
        history: Callable[[], HistoryData | None] | None = None,
        known: Callable[[], Collection[str]] | None = None,
        case_history: Callable[[str], HistoryData | None] | None = None,
        recent: Callable[[], list[RecentChange]] | None = None,
    ) -> None:
        """`known` tells which cases have a history, where that is known without it: `model/variant/target`;
        `case_history` gives that of one case alone, by its place in the page (`history/…`); `recent` the newest changes
        of all."""
        from harness.report.microcontroller import has_figures
        from harness.report.templating import environment

        self.record = record
        self._templates = environment()
        self._previous, self._find_history, self._find_known = previous, history, known
        self._case_history = case_history
        self._find_recent = recent
        self.parts: dict[str, Callable[[], Part]] = {}
        for name in dict.fromkeys(case.model for case in record.cases):
            self.parts[model_anchor(name)] = partial(self._model, name)
            self.parts[f"case/{segment(name)}"] = partial(self._cases, name)
        self.parts["cases"] = self._all_cases
        if previous:
            self.parts["changes"] = self._changes
        if history:
            self.parts["history"] = self._history_view
        if any(map(has_figures, record.cases)):
            self.parts["microcontrollers"] = self._microcontrollers
        self.parts["run"] = self._run

    def html(self) -> str:
        """The page with all its parts."""
        from harness.report.packing import pack, to_json

        news = {"changes": self._differences, "recent": self._recent}
        return self._html({name: pack(to_json(make())) for name, make in self.parts.items()}, news)

    def served_html(self, parts: str) -> str:
        """The page with its first view alone; the others, and the news, are asked for below the address `parts`, on
        the server that the page came from."""
        return self._html({}, {"changes": None, "recent": []}, parts)

    def part(self, name: str) -> Part | None:
        """A part of a served page, None where there is none: those of `parts`, `news` (what changed lately, which takes
        a while to find out in a long history), and the history of one case, whole."""
        if name == "news":
            return {"news": self._view("news.html.j2", changes=self._differences, recent=self._recent)}
        if name in self.parts:
            return self.parts[name]()
        data = self._case_history(name) if self._case_history else None
        return {"history": data.compact()} if data else None

    def _html(self, packs: dict[str, str], news: dict[str, Any], served: str = "") -> str:
        from harness.report import assets
        from harness.report.chart_kit import chart_kit
        from harness.report.matrix_view import matrix
        from harness.report.outcomes import count
        from harness.report.packing import to_json
        from harness.report.summary import verdict, warnings
        from harness.report.templating import inert

        record, kit, script = self.record, chart_kit(), assets.script()
        html: str = self._templates.get_template("page.html.j2").render(
            record=record,
            verdict=verdict(record),
            warnings=warnings(record),
            counts=count(record.cases),
            matrix=matrix(record),
            **news,
            has_changes="changes" in self.parts,
            has_history="history" in self.parts,
            has_microcontrollers="microcontrollers" in self.parts,
            packs=packs | {"charts": kit.packed},
            served=served,
            data=inert(to_json(assets.page_data(record, has_history="history" in self.parts))),
            policy=assets.policy(kit.library_hash, assets.script_hash(script), served=bool(served)),
            style=assets.style(),
            script=script,
        )
        return html

    @cached_property
    def _differences(self) -> Changes | None:
        return changes(self.record, self._previous()) if self._previous else None

    @cached_property
    def _changed(self) -> set[str]:
        found = self._differences
        return {change.case.id for change in found.latencies + found.figures} if found else set()

    @cached_property
    def _history(self) -> HistoryData | None:
        return self._find_history() if self._find_history else None

    @cached_property
    def _known(self) -> Collection[str]:
        if self._find_known:
            return self._find_known()
        return self._history.cases() if self._history else set()

    @cached_property
    def _recent(self) -> list[RecentChange]:
        if self._find_recent:
            return self._find_recent()
        return recent_changes(self._history) if self._history else []

    @cached_property
    def _models(self) -> dict[str, ModelView]:
        from harness.report.model_view import model_views

        return {model.name: model for model in model_views(self.record)}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {case.id: index for index, case in enumerate(self.record.cases)}

    @cached_property
    def _figures(self) -> dict[str, list[Any]]:
        """The cells of each case that several lists show."""
        from harness.report.lists import figures

        return {case.id: figures(case) for case in self.record.cases}

    def _view(self, template: str, **values: Any) -> str:
        rendered: str = self._templates.get_template(template).render(record=self.record, **values)
        return rendered

    def _model(self, name: str) -> Part:
        from harness.report import model_lists

        model = self._models[name]
        return {
            "views": {model.anchor: self._view("model.html.j2", model=model)},
            "charts": model.charts,
            "lists": [
                model_lists.targets(model, self._places, self._figures, self._known),
                model_lists.choice(model, self._places),
            ],
        }

    def _cases(self, model: str) -> Part:
        from harness.report.case_view import case_document

        known, changed = self._known, self._changed

        def document(case: CaseResult) -> dict[str, Any]:
            return case_document(self.record, case, has_history=case.id in known, has_changes=case.id in changed)

        return {"cases": {case_anchor(case): document(case) for case in self._models[model].cases}}

    def _all_cases(self) -> Part:
        from harness.report import lists

        return {"views": {"cases": self._view("cases.html.j2")}, "lists": [lists.cases(self.record, self._figures)]}

    def _changes(self) -> Part:
        from harness.report import lists
        from harness.report.latency_text import drift_text

        found = self._differences
        assert found is not None, "there is no such part without a previous run"
        moved = drift_text(found.drift) if found.drift else ""
        page = self._view("changes.html.j2", changes=found, drift_text=moved)
        return {"views": {"changes": page}, "lists": lists.changed(found)}

    def _history_view(self) -> Part:
        data = self._history
        return {
            "views": {"history": self._view("history.html.j2")},
            **({"history": data.compact()} if data else {}),
        }

    def _microcontrollers(self) -> Part:
        from harness.report.microcontroller import budgets

        return {"views": {"microcontrollers": self._view("microcontrollers.html.j2", budgets=budgets(self.record))}}

    def _run(self) -> Part:
        fresh = sum(case.reused_from is None for case in self.record.cases)
        return {"views": {"run": self._view("run.html.j2", fresh=fresh)}}


def render(record: RunRecord, previous: RunRecord | None = None, history: HistoryData | None = None) -> str:
    """The page of `record` as text, with all its parts."""
    before = (lambda: previous) if previous else None
    return Page(record, before, (lambda: history) if history else None).html()


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
