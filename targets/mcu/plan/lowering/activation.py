"""Operators of one input, element by element, SOFTMAX and LOG_SOFTMAX. In int8 nearly all of them are a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..builder import Builder
from ..lookup_tables import (
    elu_table,
    hard_swish_table,
    leaky_relu_table,
    log_softmax_scaling,
    logistic_table,
    relu6_table,
    relu_table,
    softmax_exponentials,
    tanh_table,
)
from ..model import Operator, Tensor
from .activation_int16 import lower_softmax_int16, lower_unary_int16, near
from .checks import FLOAT_MAX, common_dtype, dimensions_fit, operand, refusal, result, same_elements, unsupported_error

_UNARY = {"LOGISTIC": 0, "TANH": 1, "RELU": 2, "RELU6": 2, "LEAKY_RELU": 3, "HARD_SWISH": 7, "ELU": 8}
_INFINITY = float("inf")


def emit_table(source: Tensor, target: Tensor, table: NDArray[Any], build: Builder) -> None:
    """Add the step that looks each int8 value of `source` up in a table of 256 results."""
    build.step(
        "lookup_int8",
        input=build.read(source),
        output=build.allocate(target),
        table=build.constant(table),
        elements=source.elements,
    )


def emit_unary_float(
    source: Tensor, target: Tensor, operation: int, build: Builder, first: float = 0.0, second: float = 0.0
) -> None:
    """Add the step that computes one float operation of every element; `first` and `second` are its parameters."""
    build.step(
        "unary_float",
        input=build.read(source),
        output=build.allocate(target),
        elements=source.elements,
        operation=operation,
        first=first,
        second=second,
    )


def _table(operator: Operator, source: Tensor, target: Tensor) -> NDArray[np.int8]:
    scale, zero_point = source.scale, source.zero_point
    if operator.name in ("LOGISTIC", "TANH"):
        if not 2.0**-27 <= float(scale) < 16:
            raise unsupported_error(operator, f"an input scale of {float(scale):.3g}")
        if operator.name == "TANH":
            return tanh_table(float(scale), zero_point)
        if target.zero_point != -128:
            raise unsupported_error(operator, f"an output zero point of {target.zero_point} instead of -128")
        return logistic_table(float(scale), zero_point)
    if operator.name == "HARD_SWISH":
        table = hard_swish_table(scale, zero_point, target.scale, target.zero_point)
        if table is None:
            raise unsupported_error(operator, f"scales of {float(scale):.3g} and {float(target.scale):.3g}")
        return table
    if operator.name == "RELU6":
        return relu6_table(scale, zero_point)
    if operator.name == "ELU":
        return elu_table(scale, zero_point, target.scale, target.zero_point)
    if float(scale / target.scale) > 1 << 20:
        raise refusal(operator, "its scales magnify values beyond int32")
    if operator.name == "RELU":
        return relu_table(scale, zero_point, target.scale, target.zero_point)
    return leaky_relu_table(scale, zero_point, target.scale, target.zero_point, operator.real(0, 0.0))


def lower_unary(operator: Operator, build: Builder) -> None:
    """Lowers activation functions of one input: int8 is a table, int16 and float32 have steps of their own. Raises
    `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    dtype = common_dtype(operator, source, target, others=("int16",))
    if dtype == "int8":
        emit_table(source, target, _table(operator, source, target), build)
        return
    if dtype == "int16":
        lower_unary_int16(operator, build, source, target)
        return
    first, second = {"RELU": (0.0, _INFINITY), "RELU6": (0.0, 6.0)}.get(operator.name, (0.0, 0.0))
    if operator.name == "LEAKY_RELU":
        first = float(operator.real(0, 0.0))
    emit_unary_float(source, target, _UNARY[operator.name], build, first, second)


def lower_softmax(operator: Operator, build: Builder) -> None:
    """Lowers SOFTMAX over the last axis. An int8 input may have an int16 output. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    finer = (source.dtype, target.dtype) == ("int8", "int16")
    dtype = "int8" if finer else common_dtype(operator, source, target, others=("int16",))
    beta = float(operator.real(0, 0.0))
    if not source.shape:
        raise refusal(operator, "its input is a scalar")
    depth = source.shape[-1]
    rows = source.elements // depth
    if dtype == "float32":
        build.step(
            "softmax_float",
            input=build.read(source),
            output=build.allocate(target),
            rows=rows,
            depth=depth,
            beta=min(max(beta, -FLOAT_MAX), FLOAT_MAX),
        )
        return
    dimensions_fit(operator, depth)
    if dtype == "int16":
        lower_softmax_int16(operator, build, source, target, beta)
        return
    if finer and (target.zero_point != -32768 or not near(target.scale, 1 / 65536)):
        raise unsupported_error(operator, "an output whose scale is not 1/65536 with zero point -32768")
    if not finer and (target.zero_point != -128 or float(target.scale) != 1 / 256):
        raise unsupported_error(operator, "an output whose scale is not 1/256 with zero point -128")
    table = softmax_exponentials(float(source.scale), beta) if beta == beta else None
    if table is None:
        raise refusal(operator, f"beta {beta:.3g} with input scale {float(source.scale):.3g} leaves no precision")
    build.step(
        "softmax_int8_int16" if finer else "softmax_int8",
        input=build.read(source),
        output=build.allocate(target),
        table=build.constant(table),
        rows=rows,
        depth=depth,
    )


def lower_log_softmax(operator: Operator, build: Builder) -> None:
    """Lowers LOG_SOFTMAX over the last axis, in float32 and int8 (output scale 1/16, zero point 127). Raises
    `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    dtype = common_dtype(operator, source, target)
    if not source.shape:
        raise refusal(operator, "its input is a scalar")
    depth = source.shape[-1]
    rows = source.elements // depth
    if dtype == "float32":
        build.step("log_softmax_float", input=build.read(source), output=build.allocate(target), rows=rows, depth=depth)
        return
    dimensions_fit(operator, depth)
    if target.zero_point != 127 or float(target.scale) != 16 / 256:
        raise unsupported_error(operator, "an output whose scale is not 1/16 with zero point 127")
    exponentials, scaling = softmax_exponentials(float(source.scale), 1.0), log_softmax_scaling(float(source.scale))
    if exponentials is None or scaling is None:
        raise refusal(operator, f"an input scale of {float(source.scale):.3g} leaves no precision")
    distances, lowest, (multiplier, shift) = scaling
    build.step(
        "log_softmax_int8",
        input=build.read(source),
        output=build.allocate(target),
        exponentials=build.constant(exponentials),
        distances=build.constant(distances),
        rows=rows,
        depth=depth,
        lowest_difference=lowest,
        multiplier=multiplier,
        shift=shift,
    )


LOWERINGS = {
    "LOG_SOFTMAX": lower_log_softmax,
    **dict.fromkeys(_UNARY, lower_unary),
    "SOFTMAX": lower_softmax,
}
