"""Why a converter may have died of a model: only what was seen, in its log, in the golden or in the graph."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_SCALE = re.compile(r"scale out of expressed type range")
"""MLIR's words where the range that calibration found is not finite."""
_LOOP = re.compile(rb"\x12(?:\x05While|\x0eStatelessWhile)")
"""A node's field `op` (2, length-delimited) in a graph's protocol buffer."""


def cause(log: str, saved_model: Path, golden: Mapping[str, Any]) -> str:
    """A sentence to go behind 'the converter died'; empty where nothing was seen. `golden`: output name → values."""
    infinite = [name for name, values in golden.items() if values.dtype.kind == "f" and np.isinf(values).any()]
    if infinite:
        return f"The model's own output '{infinite[0]}' has infinite values, the likely cause."
    if _SCALE.search(log):
        return "Calibration met infinite values inside the model (its log says so), the likely cause."
    if has_loop(saved_model):
        return "The model has a loop, as recurrent layers make it, the likely cause."
    return ""


def has_loop(saved_model: Path) -> bool:
    """Whether a SavedModel's graph has a loop."""
    try:
        return _LOOP.search((saved_model / "saved_model.pb").read_bytes()) is not None
    except OSError:
        return False
