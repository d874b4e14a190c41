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
from typing import Literal

from harness.errors import HarnessError
from harness.store.runs import write_atomically

Worst = Literal["least", "largest"]
_WORST, _BEST = "#d7301f", "#ffffff"


def node_data(graph: str, what: str, values: Mapping[int, float], worst: Worst) -> str:
    """The document: `what` the values are called, the value of each operator that has one, and which end is red."""
    results = {str(index): {"value": value} for index, value in sorted(values.items()) if math.isfinite(value)}
    colours = (_WORST, _BEST) if worst == "least" else (_BEST, _WORST)
    gradient = [{"stop": float(stop), "bgColor": colour} for stop, colour in enumerate(colours)]
    return json.dumps({graph: {"results": results, "name": what, "gradient": gradient}}, indent=1)


def write_overlay(path: Path, graph: str, what: str, values: Mapping[int, float], worst: Worst) -> None:
    """Write the document. Raises `HarnessError` where that cannot be done."""
    try:
        write_atomically(path, node_data(graph, what, values, worst) + "\n")
    except OSError as error:
        raise HarnessError(f"The overlay cannot be written to {path} ({error.strerror}); name another file.") from error


def opening_line(model: Path, overlays: list[Path]) -> str:
    """What opens a model with its overlays, in a shell."""
    paths = ",".join(str(path) for path in overlays)
    return f"model-explorer {shlex.quote(str(model))} --node_data_paths={shlex.quote(paths)}"
