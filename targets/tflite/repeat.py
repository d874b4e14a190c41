"""Runs the model beside it in the interpreter that fault.json names. Exit code 1: the fault shows; 0: it does not."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from harness.bundle.compare import main


def infer(model: str, setting: Any, samples: Any, is_stream: bool) -> Any:
    """The outputs of each sample, in the order of the model's."""
    module = importlib.import_module(setting["module"])
    results = []
    interpreter = None
    for sample in samples:
        if interpreter is None or not is_stream:
            interpreter = module.Interpreter(
                model_path=model,
                num_threads=setting["threads"],
                experimental_op_resolver_type=getattr(module.OpResolverType, setting["resolver"]),
            )
            for detail, value in zip(interpreter.get_input_details(), sample):  # noqa: B905 - Python 3.9 has no `strict`
                if list(detail["shape"]) != list(value.shape):
                    interpreter.resize_tensor_input(detail["index"], value.shape)
            interpreter.allocate_tensors()
        for detail, value in zip(interpreter.get_input_details(), sample):  # noqa: B905
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        results.append([interpreter.get_tensor(detail["index"]).copy() for detail in interpreter.get_output_details()])
    return results


if __name__ == "__main__":
    main(Path(__file__).resolve().parent, infer)
