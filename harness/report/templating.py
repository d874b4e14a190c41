"""The templates' surroundings: what every template may use, and how a view is kept until it is gone to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report import numbers
from harness.report.anchors import case_anchor, model_anchor
from harness.report.case_view import EDGES
from harness.report.changes import ORDER, READINGS
from harness.report.history_data import history_anchor
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
    # Order carries meaning: outcomes stand worst first, metrics as people ask for them.
    found.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":")}
    found.filters["breakable"] = _breakable
    found.globals.update(
        numbers=numbers,
        labels=LABELS,
        families=FAMILIES,
        edge_meanings=EDGES,
        steady_states=STEADY_STATES,
        microcontroller_figures=FIGURES,
        directions=ORDER,
        readings=READINGS,
        case_anchor=case_anchor,
        model_anchor=model_anchor,
        history_anchor=history_anchor,
    )
    return found


def fragment(text: str) -> Markup:
    """A rendered view as the content of an inert script element. Raises `ValueError` for what would end it early."""
    from markupsafe import Markup

    if re.search(r"</?script|<!--", text, re.IGNORECASE):
        raise ValueError("A view that is kept in a script element must hold no script and no comment.")
    return Markup(text)


def _breakable(name: str) -> Markup:
    """`name`, escaped, that a narrow column may break after its joints rather than in the middle of a word."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"([_/.-]+)", r"\1<wbr>", str(escape(name))))


def own_file(name: str) -> Any:
    """A file of this package, put into the page as it is."""
    from markupsafe import Markup

    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
