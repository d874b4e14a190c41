"""The runtime: reads a `.tflite` and multiplies. The harness starts it in a process of its own and calls `handlers`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tflite


class Refused(Exception):
    """The model is beyond this runtime. `harness_kind` makes it the outcome `unsupported`; else it is a crash."""

    harness_kind = "unsupported"


class Worker:
    """One loaded network: weights (outputs, inputs), bias (outputs,) and whether ReLU follows, layer by layer."""

    def load(self, header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        content = Path(header["path"]).read_bytes()
        self.input, self.output = header["input"], header["output"]
        model = tflite.Model.GetRootAs(content, 0)
        graph = model.Subgraphs(0)

        def constant(index: int) -> Any:
            tensor = graph.Tensors(index)
            if tensor.Type() != tflite.TensorType.FLOAT32:
                raise Refused(f"tensor '{tensor.Name().decode()}' is not float32")
            data = model.Buffers(tensor.Buffer()).DataAsNumpy()
            return np.frombuffer(data.tobytes(), "<f4").reshape(tensor.ShapeAsNumpy())

        self.layers = []
        for index in range(graph.OperatorsLength()):
            operator, options = graph.Operators(index), tflite.FullyConnectedOptions()
            table = operator.BuiltinOptions()
            options.Init(table.Bytes, table.Pos)
            activation = options.FusedActivationFunction()
            if activation not in (tflite.ActivationFunctionType.NONE, tflite.ActivationFunctionType.RELU):
                raise Refused(f"operator {index} has another activation than ReLU")
            bias = constant(operator.Inputs(2)) if operator.InputsLength() > 2 and operator.Inputs(2) >= 0 else 0.0
            self.layers.append((constant(operator.Inputs(1)), bias, activation == tflite.ActivationFunctionType.RELU))
        return {"sha256": hashlib.sha256(content).hexdigest()}, {}

    def infer(self, _: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Every sample, shaped (samples, 1, inputs), through all layers."""
        values = tensors[self.input]
        for weights, bias, relu in self.layers:
            values = values @ weights.T + bias
            values = np.maximum(values, np.float32(0)) if relu else values
        return {}, {self.output: values.astype(np.float32)}


def handlers() -> dict[str, Callable[..., tuple[dict[str, Any], dict[str, Any]]]]:
    """The operations that the engine may ask for, by name."""
    worker = Worker()
    return {"load": worker.load, "infer": worker.infer}
