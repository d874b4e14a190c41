"""Runs the model beside it in TensorFlow Lite Micro. Exit code 1: the fault shows; 0: it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.bundle.compare import main


def infer(model: str, setting: Any, samples: Any, is_stream: bool) -> Any:
    """The outputs of each sample, in the order of the model's."""
    from tflite_micro.python.tflite_micro import runtime

    results = []
    interpreter = None
    for sample in samples:
        if interpreter is None or not is_stream:
            interpreter = runtime.Interpreter.from_file(model, arena_size=setting["arena_bytes"])
        for index, value in enumerate(sample):
            interpreter.set_input(value, index)
        interpreter.invoke()
        results.append([interpreter.get_output(index) for index in range(setting["outputs"])])
    return results


if __name__ == "__main__":
    main(Path(__file__).resolve().parent, infer)
