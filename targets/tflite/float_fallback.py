"""What a quantiser left in float. TensorFlow 2.19's int8 quantiser does not refuse an operator that it has no int8 form
of, not even where int8 operators alone were asked for: it puts a DEQUANTIZE before it and ends without an error."""

from __future__ import annotations

from typing import Any

CONVERSIONS = ("QUANTIZE", "DEQUANTIZE", "CAST")
CONTROL = ("WHILE", "IF", "CALL", "CALL_ONCE")
MOVES = (
    *("CONCATENATION", "EXPAND_DIMS", "GATHER", "PACK", "PAD", "RESHAPE", "SLICE"),
    *("SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE", "UNPACK"),
)
BETWEEN = (*CONVERSIONS, *CONTROL, *MOVES)
"""Operators that may have float tensors in a model that computes in integers. Those that merely move values have int8
forms, and are left in float now and then around the first step of an unrolled recurrent layer."""


def fallback_operators(model: Any, schema: Any) -> list[str]:
    """Names of the builtin operators that compute in float, in alphabetical order; not of those that read constants
    alone, which the converter has merely not folded. `model`: a `ModelT` of `schema`."""
    names = {value: key for key, value in vars(schema.BuiltinOperator).items() if not key.startswith("_")}
    found = set()
    for graph in model.subgraphs:
        constant = {index for index, tensor in enumerate(graph.tensors) if has_value(model.buffers[tensor.buffer])}
        for operator in graph.operators or []:
            code = model.operatorCodes[operator.opcodeIndex]
            name = names.get(max(code.builtinCode, code.deprecatedBuiltinCode), "")
            inputs = [int(index) for index in operator.inputs if index >= 0]
            outputs = [int(index) for index in operator.outputs if index >= 0]
            if inputs and constant.issuperset(inputs):
                constant.update(outputs)
            elif name not in BETWEEN and any(
                graph.tensors[index].type == schema.TensorType.FLOAT32 for index in (*inputs, *outputs)
            ):
                found.add(name)
    return sorted(found)


def has_value(buffer: Any) -> bool:
    """Whether a buffer of the file holds a constant, inline or (in large files) behind an offset."""
    return bool((buffer.data is not None and len(buffer.data)) or getattr(buffer, "size", 0) > 1)
