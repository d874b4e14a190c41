"""The dashboard: one run record to one self-contained HTML file that opens from disk with no network."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.report import numbers
from harness.report.anchors import case_anchor, cell_anchor, model_anchor
from harness.report.case_view import EDGES, case_view
from harness.report.matrix import matrix
from harness.report.microcontroller import FIGURES, budgets
from harness.report.outcomes import LABELS, count, troubles
from harness.report.summary import verdict, warnings
from harness.store.record import RunRecord, SteadyState

if TYPE_CHECKING:
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"

FAMILIES = {"tflite": "TFLite (on this computer)", "tfjs": "TensorFlow.js (browsers)", "mcu": "Microcontrollers"}
"""What the families of this project are called for people; another one goes by its own name."""

STEADY_STATES = {
    SteadyState.FLAT: "steady from the start",
    SteadyState.WARMUP: "steady after warm-up",
    SteadyState.SLOWDOWN: "became slower, then steady",
    SteadyState.NONE: "never steady: do not compare",
}

CHART_ENTRY = "window.vegaEmbed = vegaEmbed;"


def render(record: RunRecord) -> str:
    """The page as text. Everything from the record is escaped: names and reasons are not to be trusted."""
    import jinja2

    from harness.report import charts
    from harness.report.model_view import model_views

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.globals.update(
        numbers=numbers,
        labels=LABELS,
        families=FAMILIES,
        edge_meanings=EDGES,
        steady_states=STEADY_STATES,
        microcontroller_figures=FIGURES,
        case_anchor=case_anchor,
        cell_anchor=cell_anchor,
        model_anchor=model_anchor,
    )
    return environment.get_template("page.html.j2").render(
        record=record,
        verdict=verdict(record),
        warnings=warnings(record),
        counts=count(record.cases),
        matrix=matrix(record),
        troubles=troubles(record.cases),
        models=model_views(record),
        budgets=budgets(record),
        views={case.id: case_view(case) for case in record.cases},
        fresh=sum(case.reused_from is None for case in record.cases),
        chart_config=charts.CONFIG,
        chart_library=_chart_library(),
        style=_own_file("style.css"),
        script=_own_file("page.js"),
    )


def write(record: RunRecord, path: Path) -> None:
    """The page into `path`, whole or not at all: a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(render(record))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _breakable(name: str) -> Markup:
    """`name`, escaped, that a narrow column may break after its joints rather than in the middle of a word."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([_/.-]+)", r"\1<wbr>", str(escape(name))))


def _own_file(name: str) -> Markup:
    """A file of this package, put into the page as it is."""
    from markupsafe import Markup

    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))


def _chart_library() -> Markup:
    """Vega-Embed with all it needs as one script, in a scope of its own, as text that ends no script element early."""
    import vl_convert
    from markupsafe import Markup

    library = vl_convert.javascript_bundle(CHART_ENTRY).replace("</script", "<\\/script")
    return Markup(f"(() => {{{library}}})();")
