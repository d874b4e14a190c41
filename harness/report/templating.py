"""The templates' surroundings: what every template may use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report import numbers
from harness.report.anchors import case_anchor, history_anchor, model_anchor
from harness.report.case_view import EDGES
from harness.report.microcontroller import FIGURES
from harness.report.outcomes import LABELS
from harness.store.record import SteadyState

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"

FAMILIES = {
    "tflite": "TFLite (on this computer)",
    "tfjs": "TensorFlow.js (browsers)",
    "mcu": "Microcontrollers",
    "tflm": "TFLite Micro (host)",
}
"""What the families of this project are called for people; another one goes by its own name."""

STEADY_STATES = {
    SteadyState.FLAT: "steady from the start",
    SteadyState.WARMUP: "steady after warm-up",
    SteadyState.SLOWDOWN: "became slower, then steady",
    SteadyState.NONE: "never steady: do not compare",
}


def environment() -> Environment:
    import jinja2

    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["breakable"] = _breakable
    found.globals.update(
        numbers=numbers,
        labels=LABELS,
        families=FAMILIES,
        edge_meanings=EDGES,
        steady_states=STEADY_STATES,
        microcontroller_figures=FIGURES,
        case_anchor=case_anchor,
        model_anchor=model_anchor,
        history_anchor=history_anchor,
    )
    return found


def inert(json: str) -> Markup:
    """JSON as the content of a script element, which no text in it can end."""
    from markupsafe import Markup

    return Markup(json.replace("<", "\\u003c"))


def _breakable(name: str) -> Markup:
    """`name`, escaped, that a narrow column may break after its joints rather than in the middle of a word."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([_/.-]+)", r"\1<wbr>", str(escape(name))))


def own_file(name: str) -> Any:
    """A file of this package, put into the page as it is."""
    from markupsafe import Markup

    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
