"""The SOFTMAX on which reference kernels abort: found in the file, because they say nothing when they do.

Runs in the converter's environment, beside `converter.py`; `known_crash` is read by the targets as well.

TFLite's and Micro's reference kernels turn the input's scale into a multiplier, beta · scale · 2²⁶, and check that it
is more than one (`QuantizeMultiplierGreaterThanOne`). An input whose values hardly differ, as an untrained model's, is
given a smaller scale. The optimised kernels look the exponentials up in a table and take any.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

LEAST = 2.0**-26
MARK = "the reference kernels of TFLite and Micro abort where the input's scale is at most 2⁻²⁶"


def known_crash(notes: Iterable[str]) -> tuple[str, ...]:
    """The notes of an artifact that say that reference kernels die of it."""
    return tuple(note for note in notes if MARK in note)


def too_fine(model: Any, schema: Any) -> list[str]:
    """A note for each int8 or uint8 SOFTMAX with such an input. What a file leaves out of one (its input, scale or
    options) is for the interpreters to judge."""
    found = []
    for graph in model.subgraphs:
        for index, operator in enumerate(graph.operators or []):
            code = model.operatorCodes[operator.opcodeIndex]
            if max(code.builtinCode, code.deprecatedBuiltinCode) != schema.BuiltinOperator.SOFTMAX:
                continue
            scale = input_scale(graph, operator, schema)
            beta = getattr(operator.builtinOptions, "beta", None)
            if scale is not None and beta is not None and beta * scale <= LEAST:
                found.append(f"SOFTMAX (operator {index}): {MARK}, and this one's is {scale:.2g}")
    return found


def input_scale(graph: Any, operator: Any, schema: Any) -> float | None:
    """The scale of an operator's first input; None where that is not int8 or uint8, or the file does not say."""
    if operator.inputs is None or len(operator.inputs) == 0 or operator.inputs[0] < 0:
        return None
    tensor = graph.tensors[int(operator.inputs[0])]
    if tensor.type not in (schema.TensorType.INT8, schema.TensorType.UINT8):
        return None
    scales = tensor.quantization.scale if tensor.quantization is not None else None
    return float(scales[0]) if scales is not None and len(scales) else None
