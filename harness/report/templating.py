"""The templates' surroundings: what every template may use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report import numbers
from harness.report.anchors import case_anchor, model_anchor
from harness.report.case_view import COMPARED, EDGES
from harness.report.microcontroller import FIGURES
from harness.report.outcomes import LABELS

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"

FAMILIES = {
    "tflite": "TFLite (this computer, emulated phones)",
    "tfjs": "TensorFlow.js (browsers)",
    "litertjs": "LiteRT.js (browsers)",
    "mcu": "Microcontrollers",
    "tflm": "TFLite Micro (host)",
}
"""What the families of this project are called for people; another one goes by its own name."""


def environment() -> Environment:
    """The Jinja environment that every template is rendered in; all text is escaped."""
    import jinja2

    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # The templates do not change while a page is made: no look at the disk for each of thousands of cases.
        auto_reload=False,
    )
    found.filters["breakable"] = _breakable
    found.globals.update(
        numbers=numbers,
        labels=LABELS,
        families=FAMILIES,
        edge_meanings=EDGES,
        compared=COMPARED,
        microcontroller_figures=FIGURES,
        case_anchor=case_anchor,
        model_anchor=model_anchor,
    )
    return found


def inert(json: str) -> Markup:
    """JSON as the content of a script element, which no text in it can end."""
    from markupsafe import Markup

    return Markup(json.replace("<", "\\u003c"))


def _breakable(name: str) -> Markup:
    """`name`, escaped, that a narrow column may break after its joints rather than in the middle of a word."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([_/.-]+)|(?=@)", r"\1<wbr>", str(escape(name))))


def own_file(name: str) -> Any:
    """A file of this package, put into the page as it is."""
    from markupsafe import Markup

    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
