"""Node data for Model Explorer (`ai-edge-model-explorer`): a value an operator, drawn over a model's graph.

Its form is the package's `ModelNodeData` (node_data_builder.py): graph → results by node; a node of a `.tflite` is its
operator's place in the file.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.store.runs import write_atomically

DIGITS = 4
"""Digits of a value that is no count: the page shows all digits that it is given."""
BY_SHARE = {"gradient": [{"stop": 0.0, "bgColor": "#ffffff"}, {"stop": 1.0, "bgColor": "#d7301f"}]}
"""Gradient of costs: white is the least of this model, red the largest."""
BY_SQNR = {
    "thresholds": [
        {"value": level, "bgColor": colour, "textColor": "#ffffff" if level <= 20 else "#000000"}
        for level, colour in ((10, "#b30000"), (20, "#e34a33"), (30, "#fc8d59"), (40, "#fdcc8a"), (60, "#fef0d9"))
    ]
}
"""Gradient of SQNR in dB. The same colour says the same in every model, so that a model without a fault is not drawn
red. Colours: OrRd of ColorBrewer; values above the last stay white."""
Colours = Mapping[str, list[dict[str, Any]]]


def node_data(graph: str, what: str, values: Mapping[int, float], colours: Colours) -> str:
    """The document: `what` the values are called, the value of each operator that has one, and how it is coloured."""
    results = {str(index): {"value": shown(value)} for index, value in sorted(values.items()) if math.isfinite(value)}
    return json.dumps({graph: {"results": results, "name": what, **colours}}, indent=1)


def shown(value: float) -> float:
    """A count as it is, anything else with as many digits as are read."""
    return value if float(value).is_integer() else float(f"{value:.{DIGITS}g}")


def write_overlay(path: Path, graph: str, what: str, values: Mapping[int, float], colours: Colours) -> None:
    """Write the document. Raises `HarnessError` where that cannot be done."""
    try:
        write_atomically(path, node_data(graph, what, values, colours) + "\n")
    except OSError as error:
        raise HarnessError(f"The overlay cannot be written to {path} ({error.strerror}); name another file.") from error


def opening_line(model: Path, overlays: list[Path]) -> str:
    """What opens a model with its overlays, in a shell."""
    paths = ",".join(str(path) for path in overlays)
    return f"model-explorer {shlex.quote(str(model))} --node_data_paths={shlex.quote(paths)}"
