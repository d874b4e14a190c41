"""QUANTIZE, DEQUANTIZE and CAST: the same numbers in another element type."""

from __future__ import annotations

import numpy as np

from ..builder import Builder
from ..fixed_point import quantise_multiplier
from ..lookup_tables import dequantise_table, requantise_table
from ..model import Operator
from .activation import emit_table
from .checks import operand, own_zero_point, refusal, result, same_elements, unsupported_error
from .rescaling import emit_rescaling

_EIGHT_BITS: dict[str, type[np.integer]] = {"int8": np.int8, "uint8": np.uint8}
_REQUANTISED = {
    ("int8", "int16"),
    ("int8", "int32"),
    ("int16", "int8"),
    ("int16", "int16"),
    ("int16", "int32"),
    ("int32", "int8"),
    ("int32", "int16"),
}
# Micro does not cast to bool.
_CAST_FROM = {"int8": 0, "int16": 1, "int32": 2, "float32": 3, "bool": 4}
_CAST_TO = {name: number for name, number in _CAST_FROM.items() if name != "bool"}


def lower_quantize(operator: Operator, build: Builder) -> None:
    """Lowers QUANTIZE: from 8 bits to 8 bits it is a table, between other integers a rescaling, from float32 a step of
    its own. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    if source.dtype in _EIGHT_BITS and target.dtype in _EIGHT_BITS and "int8" in (source.dtype, target.dtype):
        if float(source.scale) / float(target.scale) > 1 << 20:
            raise refusal(operator, "its scales magnify values beyond int32")
        table = requantise_table(
            _EIGHT_BITS[source.dtype],
            float(source.scale),
            source.zero_point,
            _EIGHT_BITS[target.dtype],
            float(target.scale),
            target.zero_point,
        )
        emit_table(source, target, table, build)
        return
    if (source.dtype, target.dtype) in _REQUANTISED:
        factor = quantise_multiplier(float(source.scale) / float(target.scale))
        emit_rescaling(operator, build, source, target, factor)
        return
    if source.dtype != "float32" or target.dtype not in ("int8", "int16"):
        raise unsupported_error(operator, f"conversion of {source.dtype} to {target.dtype}")
    own_zero_point(operator, target)
    build.step(
        "quantize" if target.dtype == "int8" else "quantize_int16",
        input=build.read(source),
        output=build.allocate(target),
        elements=source.elements,
        scale=float(target.scale),
        zero_point=target.zero_point,
    )


def lower_dequantize(operator: Operator, build: Builder) -> None:
    """Lowers DEQUANTIZE to float32. A constant input (compressed weights) is refused. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    if source.dtype not in (*_EIGHT_BITS, "int16") or target.dtype != "float32":
        raise unsupported_error(operator, f"conversion of {source.dtype} to {target.dtype}")
    if source.constant is not None:
        raise unsupported_error(operator, "a constant input, as compressed weights are")
    if source.dtype == "int16":
        build.step(
            "dequantize_int16",
            input=build.read(source),
            output=build.allocate(target),
            elements=source.elements,
            scale=float(source.scale),
            zero_point=own_zero_point(operator, source),
        )
        return
    build.step(
        "dequantize",
        input=build.read(source),
        output=build.allocate(target),
        table=build.constant(dequantise_table(_EIGHT_BITS[source.dtype], float(source.scale), source.zero_point)),
        elements=source.elements,
    )


def lower_cast(operator: Operator, build: Builder) -> None:
    """Lowers CAST. Equal types share the tensor's memory. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    if source.dtype not in _CAST_FROM or target.dtype not in _CAST_TO:
        raise unsupported_error(operator, f"{source.dtype} to {target.dtype}")
    if source.dtype == target.dtype:
        build.alias(target, source)
        return
    build.step(
        "cast",
        input=build.read(source),
        output=build.allocate(target),
        elements=source.elements,
        **{"from": _CAST_FROM[source.dtype], "to": _CAST_TO[target.dtype]},
    )


LOWERINGS = {"QUANTIZE": lower_quantize, "DEQUANTIZE": lower_dequantize, "CAST": lower_cast}
