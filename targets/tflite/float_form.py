"""The float32 form of a `.tflite`, which ai-edge-quantizer starts from: weights that are stored as float16 and made
float32 as the model runs become float32, a file without a signature gets one, since calibration calls by names, and
operators are named in the field that today's files have for it.

Runs in the quantiser's environment. Models are `ModelT` objects of the `schema` that is handed in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .schema import take_in_values

SIGNATURE = b"serving_default"


class Unusable(Exception):
    """The file is no float model; the text says what it is, in one line."""


def as_quantiser_input(content: bytes, schema: Any) -> Any:
    """The model with float32 weights and a signature. Raises `Unusable` for one that is quantised already."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    take_in_values(model, content)
    for code in model.operatorCodes:  # older files have it in the other field, which the quantiser does not read
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
    refuse_quantised(model, schema)
    for graph in model.subgraphs:
        unpack_halves(model, graph, schema)
    if not model.signatureDefs:
        model.signatureDefs = [signature_of(model.subgraphs[0], schema)]
    return model


def signature_keys(model: Any) -> list[str]:
    """The keys of its signatures, that of the first subgraph first."""
    ordered = sorted(model.signatureDefs, key=lambda one: one.subgraphIndex != 0)
    return [one.signatureKey.decode(errors="replace") for one in ordered]


def refuse_quantised(model: Any, schema: Any) -> None:
    """Raise `Unusable` where an operator works on quantised integers."""
    kinds = {value: key.lower() for key, value in vars(schema.TensorType).items() if not key.startswith("_")}
    names = {value: key for key, value in vars(schema.BuiltinOperator).items() if not key.startswith("_")}
    for graph in model.subgraphs:
        for operator in graph.operators or []:
            for index in (int(place) for place in operator.inputs if place >= 0):
                tensor = graph.tensors[index]
                scaled = tensor.quantization is not None and tensor.quantization.scale is not None
                if scaled and kinds[tensor.type] in ("int4", "int8", "uint8", "int16"):
                    code = model.operatorCodes[operator.opcodeIndex]
                    name = names.get(code.builtinCode, "an operator")
                    raise Unusable(
                        f"it is quantised already ({name} on {kinds[tensor.type]}), and ai-edge-quantizer starts from a"
                        " float32 .tflite"
                    )


def unpack_halves(model: Any, graph: Any, schema: Any) -> None:
    """Constants of float16 behind a DEQUANTIZE become constants of float32: the same numbers, exactly."""
    kept, unpacked = [], set()
    for operator in graph.operators or []:
        code = model.operatorCodes[operator.opcodeIndex]
        is_dequantize = code.builtinCode == schema.BuiltinOperator.DEQUANTIZE
        source = graph.tensors[int(operator.inputs[0])] if is_dequantize else None
        data = model.buffers[source.buffer].data if source is not None else None
        if source is None or source.type != schema.TensorType.FLOAT16 or data is None or not len(data):
            kept.append(operator)
            continue
        values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float16).astype(np.float32)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        model.buffers.append(buffer)
        graph.tensors[int(operator.outputs[0])].buffer = len(model.buffers) - 1
        unpacked.add(int(operator.inputs[0]))
    graph.operators = kept
    drop(model, graph, unpacked - {int(index) for operator in kept for index in operator.inputs})


def drop(model: Any, graph: Any, unread: set[int]) -> None:
    """Take the values of tensors that nothing reads any more out of the file; the tensors keep their places."""
    for index in unread:
        buffer, graph.tensors[index].buffer = graph.tensors[index].buffer, 0
        if not any(tensor.buffer == buffer for other in model.subgraphs for tensor in other.tensors):
            model.buffers[buffer].data = None


def signature_of(graph: Any, schema: Any) -> Any:
    """A signature of a subgraph's inputs and outputs, named as the harness names them: by their tensors."""
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
    for side in ("inputs", "outputs"):
        entries = []
        for index in (int(place) for place in getattr(graph, side)):
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = graph.tensors[index].name or f"tensor_{index}".encode(), index
            entries.append(entry)
        setattr(signature, side, entries)
    return signature
