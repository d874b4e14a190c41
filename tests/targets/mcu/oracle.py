"""Runs models in TensorFlow Lite Micro's own host interpreter (PyPI `tflite-micro`), in an environment of its own.

State is fresh for each input, or kept from each to the next in a `sequence`; `Reset` makes zeros of resource variables,
whatever they began with, so that a model with some gets an interpreter for each input.

Requests on standard input, answers on standard output, both as a line of JSON followed by raw bytes:
request `{"model_bytes": n, "arena_bytes": a, "input_bytes": [per tensor], "count": k,
"sequence": s}`, the model, then k inputs;
answer `{"output_bytes": [per tensor]}` and k outputs, or `{"error": "…"}`. The interpreter aborts the process on some
models: the caller sees the end of the stream and starts another.
"""

from __future__ import annotations

import json
import sys
from typing import BinaryIO


def _answer(request: dict, source: BinaryIO) -> tuple[dict, bytes]:
    import numpy as np
    from tflite_micro.python.tflite_micro import runtime

    model = source.read(request["model_bytes"])
    inputs = [source.read(sum(request["input_bytes"])) for _ in range(request["count"])]
    try:
        interpreter = runtime.Interpreter.from_bytes(model, arena_size=request["arena_bytes"])
        outputs = []
        for position, values in enumerate(inputs):
            if position > 0 and not request["sequence"]:
                if runtime.count_resource_variables(model):
                    interpreter = runtime.Interpreter.from_bytes(model, arena_size=request["arena_bytes"])
                interpreter.reset()
            offset = 0
            for index, nbytes in enumerate(request["input_bytes"]):
                details = interpreter.get_input_details(index)
                array = np.frombuffer(values, details["dtype"], nbytes // np.dtype(details["dtype"]).itemsize, offset)
                interpreter.set_input(array.reshape(details["shape"]), index)
                offset += nbytes
            interpreter.invoke()
            outputs.append([np.array(interpreter.get_output(i)).tobytes() for i in range(request["output_count"])])
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}, b""
    sizes = [len(tensor) for tensor in outputs[0]] if outputs else []
    return {"output_bytes": sizes}, b"".join(b"".join(tensors) for tensors in outputs)


def main() -> None:
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while line := source.readline():
        header, body = _answer(json.loads(line), source)
        target.write(json.dumps(header).encode() + b"\n" + body)
        target.flush()


if __name__ == "__main__":
    main()
