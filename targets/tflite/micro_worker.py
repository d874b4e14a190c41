"""Holds TensorFlow Lite Micro's host interpreter. Runs in its own environment under `harness/process/serve.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

ROOM = 64 * 1024 * 1024


class Refused(Exception):
    """Micro does not take this model."""

    harness_kind = "unsupported"


def attempt(header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Allocate with room to spare, invoke once on zeros; Micro prints its allocations to the log."""
    from tflite_micro.python.tflite_micro import runtime

    content = Path(header["path"]).read_bytes()
    try:
        interpreter = runtime.Interpreter.from_bytes(content, arena_size=ROOM + 2 * len(content))
        index = 0
        while True:
            try:
                details = interpreter.get_input_details(index)
            except (IndexError, RuntimeError, ValueError):
                break
            interpreter.set_input(np.zeros([max(1, n) for n in details["shape"]], details["dtype"]), index)
            index += 1
        interpreter.invoke()
        interpreter.get_output(0)
        interpreter.print_allocations()
    except Exception as error:
        raise Refused(f"TensorFlow Lite Micro refuses it: {str(error) or type(error).__name__}") from error
    return {}, {}


def handlers() -> dict[str, Any]:
    return {"try": attempt}
