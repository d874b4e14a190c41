"""Faults put into a .tflite in place: its bytes change, its length does not, unless the fault is its length."""

import numpy as np
import tflite

SCALE, ZERO_POINT, DATA, OUTPUTS = 8, 10, 4, 8
"""Where the schema keeps these fields: of a tensor's quantisation, of a buffer, of a subgraph."""


def _tensors(content):
    graph = tflite.Model.GetRootAsModel(content, 0).Subgraphs(0)
    return graph, [graph.Tensors(number) for number in range(graph.TensorsLength())]


def _operators(content):
    """Each operator's name, with its input and output tensors, in order."""
    model = tflite.Model.GetRootAsModel(content, 0)
    graph, tensors = _tensors(content)
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex())
        name = tflite.opcode2name(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
        inputs = [tensors[operator.Inputs(i)] for i in range(operator.InputsLength()) if operator.Inputs(i) >= 0]
        yield name, inputs, [tensors[operator.Outputs(i)] for i in range(operator.OutputsLength())]


def _vector(table, field):
    """Where a field's vector begins, counted from the beginning of the file."""
    return table._tab.Vector(table._tab.Offset(field))


def _data(content, tensor):
    """Where a constant tensor's bytes begin, and how many there are."""
    buffer = tflite.Model.GetRootAsModel(content, 0).Buffers(tensor.Buffer())
    return (_vector(buffer, DATA), buffer.DataLength()) if buffer.DataLength() else (0, 0)


def _exchanged(content, begin, size, one, other):
    """Two of the elements of `size` bytes that begin at `begin`, each in the place of the other."""
    changed = bytearray(content)
    places = [slice(begin + size * place, begin + size * (place + 1)) for place in (one, other)]
    changed[places[0]], changed[places[1]] = content[places[1]], content[places[0]]
    return bytes(changed)


def with_weight_changed(content, by):
    """The last int8 weight tensor's element of the middle, that many steps away."""
    _, tensors = _tensors(content)
    weights = [
        tensor for tensor in tensors if tensor.Type() == tflite.TensorType.INT8 and _data(content, tensor)[1] >= 64
    ]
    begin, length = _data(content, weights[-1])
    place = begin + length // 2
    changed = bytearray(content)
    value = int(np.frombuffer(content[place : place + 1], np.int8)[0])
    changed[place] = np.int8(value + by if value + by <= 127 else value - by).view(np.uint8)
    return bytes(changed)


def with_weights_of_operator_changed(content, number, by):
    """Every int8 weight of one operator, that many steps away where there is room."""
    _, inputs, _ = list(_operators(content))[number]
    begin, length = _data(content, inputs[1])
    changed = bytearray(content)
    weights = np.frombuffer(content[begin : begin + length], np.int8).astype(np.int16)
    changed[begin : begin + length] = np.clip(weights + by, -127, 127).astype(np.int8).tobytes()
    return bytes(changed)


def with_zero_point_changed(content, by):
    """The zero point of the first operator's output (a tensor inside the model), that many steps away."""
    graph, tensors = _tensors(content)
    of_model = {graph.Outputs(i) for i in range(graph.OutputsLength())}
    for number in range(graph.OperatorsLength()):
        output = graph.Operators(number).Outputs(0)
        if output not in of_model and _is_quantised(tensors[output]):
            return _with_zero_point(content, tensors[output], by)
    raise AssertionError("no operator has a quantised output inside the model")


def with_zero_point_of_input_changed(content, by):
    """The zero point of the model's input, that many steps away from what its users were told."""
    graph, tensors = _tensors(content)
    return _with_zero_point(content, tensors[graph.Inputs(0)], by)


def _is_quantised(tensor):
    scheme = tensor.Quantization()
    return tensor.Type() == tflite.TensorType.INT8 and scheme is not None and scheme.ZeroPointLength() == 1


def _with_zero_point(content, tensor, by):
    scheme = tensor.Quantization()
    place = _vector(scheme, ZERO_POINT)
    changed = bytearray(content)
    changed[place : place + 8] = np.int64(int(scheme.ZeroPoint(0)) + by).tobytes()
    return bytes(changed)


def with_outputs_swapped(content):
    """The first two outputs of the graph, each in the place of the other."""
    graph, _ = _tensors(content)
    return _exchanged(content, _vector(graph, OUTPUTS), 4, 0, 1)


def with_classes_exchanged(content, one, other):
    """Two rows of the last fully connected layer, each in the place of the other: weights, biases and their scales."""
    layers = [inputs for name, inputs, _ in _operators(content) if name == "FULLY_CONNECTED"]
    _, weights, bias = layers[-1]
    for tensor, size in ((weights, weights.Shape(1)), (bias, 4)):
        content = _exchanged(content, _data(content, tensor)[0], size, one, other)
        scheme = tensor.Quantization()
        if scheme.ScaleLength() > 1:
            content = _exchanged(content, _vector(scheme, SCALE), 4, one, other)
    return content


def with_constant(content, before, after):
    """The one float32 constant that holds `before`, with `after` in its place; both shaped alike."""
    found = [
        (begin, length)
        for begin, length in (_data(content, tensor) for tensor in _tensors(content)[1])
        if content[begin : begin + length] == np.asarray(before, "<f4").tobytes()
    ]
    ((begin, length),) = found
    return content[:begin] + np.asarray(after, "<f4").tobytes() + content[begin + length :]


def with_one_byte_more(content):
    """A byte behind the end, which every interpreter passes over."""
    return content + b"\0"
