"""What a `.tflite` says of itself: operators with their multiplications, weights, memory, types."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import tflite

from harness.artifact import Artifact
from harness.examination import Examination, ExaminedOperator
from harness.model import Tensors

from . import metadata

# "Present, but not ready for custom models" in the guide's list of operators.
EXPERIMENTAL = (
    "CALL",
    "CONCAT_EMBEDDINGS",
    "CUSTOM",
    "EMBEDDING_LOOKUP_SPARSE",
    "HASHTABLE_LOOKUP",
    "LSH_PROJECTION",
    "SKIP_GRAM",
    "SVDF",
)
BUILTINS = {value: key for key, value in vars(tflite.BuiltinOperator).items() if not key.startswith("_")}
TYPES = {value: key.lower() for key, value in vars(tflite.TensorType).items() if not key.startswith("_")}
BITS = {"float64": 64, "int64": 64, "uint64": 64, "complex64": 64, "complex128": 128, "float16": 16, "bfloat16": 16,
        "int16": 16, "uint16": 16, "int8": 8, "uint8": 8, "bool": 8, "int4": 4, "string": 128}  # fmt: skip
WEIGHT_TYPES = ("float64", "float32", "float16", "bfloat16", "int16", "int8", "uint8", "int4", "int32")


def examine(artifact: Artifact, _: Tensors) -> Examination:
    """Read an artifact that its conversion has verified; trying it is the targets' part."""
    content = artifact.path.read_bytes()
    model = tflite.Model.GetRootAsModel(content, 0)
    graphs = [model.Subgraphs(i) for i in range(model.SubgraphsLength())]
    steps = tuple(step(model, graph, graph.Operators(i)) for graph in graphs for i in range(graph.OperatorsLength()))
    types: Counter[str] = Counter()
    for graph in graphs:
        types.update(type_name(graph.Tensors(i)) for i in range(graph.TensorsLength()))
    names = {found.operator for found in steps}
    is_custom = {name for name in names if name not in BUILTINS.values() and not name.startswith("Flex")}
    return Examination(
        steps=steps,
        parameters=sum(parameters(model, graph) for graph in graphs),
        activation_bytes=peak_activation(model, graphs[0]),
        experimental=tuple(sorted(name for name in names if name in EXPERIMENTAL or name in is_custom)),
        types=dict(types),
        open_shapes=sum(open_shapes(graph) for graph in graphs),
        loops=sum(found.operator == "WHILE" for found in steps),
        metadata=read_metadata(model, content),
    )


def step(model: Any, graph: Any, operator: Any) -> ExaminedOperator:
    """One operator with its multiplications."""
    name = operator_name(model.OperatorCodes(operator.OpcodeIndex()))
    outputs = [graph.Tensors(operator.Outputs(i)) for i in range(operator.OutputsLength()) if operator.Outputs(i) >= 0]
    written = tuple((tensor.Name() or b"").decode(errors="replace") for tensor in outputs)
    return ExaminedOperator(name, written, multiplications(name, graph, operator) if outputs else 0)


def operator_name(code: Any) -> str:
    """The builtin's name, or the custom code."""
    builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if builtin == tflite.BuiltinOperator.CUSTOM:
        return str((code.CustomCode() or b"CUSTOM").decode(errors="replace"))
    return BUILTINS.get(builtin, f"BUILTIN_{builtin}")


def multiplications(name: str, graph: Any, operator: Any) -> int:
    """Multiply-accumulates of one operator; 0 for those that have none to speak of."""

    def shape(index: int) -> list[int]:
        if index >= operator.InputsLength() or operator.Inputs(index) < 0:
            return []
        return sizes(graph.Tensors(operator.Inputs(index)))

    out = math.prod(sizes(graph.Tensors(operator.Outputs(0))))
    weights = shape(1)
    if name == "CONV_2D" and len(weights) == 4:
        return out * math.prod(weights[1:])
    if name == "DEPTHWISE_CONV_2D" and len(weights) == 4:
        return out * weights[1] * weights[2]
    if name == "FULLY_CONNECTED" and weights:
        return out * weights[-1]
    if name == "CONV_3D" and len(weights) == 5:
        return out * math.prod(weights[:4])
    if name == "TRANSPOSE_CONV" and len(weights) == 4:
        return math.prod(shape(2)) * weights[0] * weights[1] * weights[2]
    if name == "BATCH_MATMUL" and shape(0):
        options = tflite.BatchMatMulOptions()
        table = operator.BuiltinOptions()
        if table is not None:
            options.Init(table.Bytes, table.Pos)
        return out * shape(0)[-2 if table is not None and options.AdjX() else -1]
    if name == "UNIDIRECTIONAL_SEQUENCE_LSTM":
        matrices = sum(math.prod(shape(i)) for i in range(1, 9) if shape(i))
        return matrices * math.prod(shape(0)[:2])
    return 0


def sizes(tensor: Any) -> list[int]:
    """A tensor's shape; open dimensions count as one."""
    return [max(1, int(tensor.Shape(i))) for i in range(tensor.ShapeLength())]


def type_name(tensor: Any) -> str:
    """The name of a tensor's element type."""
    return TYPES.get(tensor.Type(), f"type {tensor.Type()}")


def tensor_bytes(tensor: Any) -> int:
    """Bytes of a tensor, its open dimensions taken as one."""
    return (math.prod(sizes(tensor)) * BITS.get(type_name(tensor), 32) + 7) // 8


def is_constant(model: Any, tensor: Any) -> bool:
    """Whether its value is in the file, inline or (in large files) behind an offset."""
    buffer = model.Buffers(tensor.Buffer())
    return bool(buffer.DataLength() > 0 or (hasattr(buffer, "Size") and buffer.Size() > 1))


def parameters(model: Any, graph: Any) -> int:
    """Elements of constants that are weights or biases: numbers that arithmetic uses, not shapes and axes."""
    seen: dict[int, int] = {}
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        for j in range(operator.InputsLength()):
            index = operator.Inputs(j)
            if index < 0:
                continue
            tensor = graph.Tensors(index)
            quantised = tensor.Quantization() is not None and tensor.Quantization().ScaleLength() > 0
            is_weight = type_name(tensor).startswith(("float", "bfloat")) or quantised
            if is_weight and is_constant(model, tensor) and type_name(tensor) in WEIGHT_TYPES:
                seen[tensor.Buffer()] = math.prod(sizes(tensor))
    return sum(seen.values())


def peak_activation(model: Any, graph: Any) -> int:
    """The most bytes of activations alive at once, in the order of the file: a bound that no arena goes below."""
    last: dict[int, int] = {}
    first: dict[int, int] = {}
    for index in inputs_of(graph):
        first[index] = 0
    for position in range(graph.OperatorsLength()):
        operator = graph.Operators(position)
        if all(
            operator.Inputs(j) >= 0 and is_constant(model, graph.Tensors(operator.Inputs(j)))
            for j in range(operator.InputsLength())
        ):
            continue  # float16 weights on their way to float32: weights, not activations
        for j in range(operator.InputsLength()):
            last[operator.Inputs(j)] = position
        for j in range(operator.OutputsLength()):
            first.setdefault(operator.Outputs(j), position)
            last.setdefault(operator.Outputs(j), position)
    for j in range(graph.OutputsLength()):
        last[graph.Outputs(j)] = graph.OperatorsLength()
    alive = [(first[i], last.get(i, first[i]), tensor_bytes(graph.Tensors(i))) for i in first if i >= 0]
    changes: Counter[int] = Counter()
    for begin, end, size in alive:
        changes[begin] += size
        changes[end + 1] -= size
    peak = now = 0
    for position in sorted(changes):
        now += changes[position]
        peak = max(peak, now)
    return peak


def inputs_of(graph: Any) -> Iterator[int]:
    """The indices of a graph's input tensors."""
    for i in range(graph.InputsLength()):
        yield graph.Inputs(i)


def open_shapes(graph: Any) -> int:
    """Tensors with a dimension that the file leaves open."""
    tensors = (graph.Tensors(i) for i in range(graph.TensorsLength()))
    return sum(any(t.ShapeSignature(j) < 0 for j in range(t.ShapeSignatureLength())) for t in tensors)


def read_metadata(model: Any, content: bytes) -> dict[str, Any]:
    """The embedded metadata, read back."""
    for i in range(model.MetadataLength()):
        entry = model.Metadata(i)
        if (entry.Name() or b"").decode(errors="replace") == metadata.NAME:
            buffer = model.Buffers(entry.Buffer())
            return metadata.read(content, bytes(buffer.DataAsNumpy()) if buffer.DataLength() else b"")
    return {}
