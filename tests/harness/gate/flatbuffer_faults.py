"""Faults put into a .tflite in place: its bytes change, its length does not."""

import numpy as np
import tflite


def _tensors(content):
    graph = tflite.Model.GetRootAsModel(content, 0).Subgraphs(0)
    return graph, [graph.Tensors(number) for number in range(graph.TensorsLength())]


def with_weight_changed(content, by):
    """The last int8 weight tensor's element of the middle, that many steps away."""
    model = tflite.Model.GetRootAsModel(content, 0)
    _, tensors = _tensors(content)
    weights = [
        tensor
        for tensor in tensors
        if tensor.Type() == tflite.TensorType.INT8 and model.Buffers(tensor.Buffer()).DataLength() >= 64
    ]
    buffer = model.Buffers(weights[-1].Buffer())
    place = buffer._tab.Vector(buffer._tab.Offset(4)) + buffer.DataLength() // 2
    changed = bytearray(content)
    value = np.int8(np.frombuffer(content[place : place + 1], np.int8)[0])
    changed[place] = np.int8(value + by if value + by <= 127 else value - by).view(np.uint8)
    return bytes(changed)


def with_zero_point_changed(content, by):
    """The zero point of the first operator's output (a tensor inside the model), that many steps away."""
    graph, tensors = _tensors(content)
    for number in range(graph.OperatorsLength()):
        tensor = tensors[graph.Operators(number).Outputs(0)]
        scheme = tensor.Quantization()
        if tensor.Type() == tflite.TensorType.INT8 and scheme is not None and scheme.ZeroPointLength() == 1:
            if graph.Operators(number).Outputs(0) in {graph.Outputs(i) for i in range(graph.OutputsLength())}:
                continue
            place = scheme._tab.Vector(scheme._tab.Offset(10))
            changed = bytearray(content)
            changed[place : place + 8] = np.int64(int(scheme.ZeroPoint(0)) + by).tobytes()
            return bytes(changed)
    raise AssertionError("no operator has a quantised output inside the model")
