"""ADD, SUB, MUL, DIV, FLOOR_DIV, SQUARED_DIFFERENCE, MINIMUM, MAXIMUM and PRELU, with broadcasting."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..builder import BufferPosition, Builder, FieldValue
from ..fixed_point import quantise_multiplier
from ..model import Operator, Tensor
from .axes import broadcast_strides, merge_axes
from .checks import (
    activation_range_float,
    activation_range_int32,
    activation_range_quantised,
    common_dtype,
    integer_range,
    operand,
    own_zero_point,
    refusal,
    result,
    symmetric,
    unsupported_error,
)

# Bits of headroom that the terms of a sum, and of a difference that is squared, get.
_LEFT_SHIFT = {"int8": 20, "int16": 15}
_SQUARE_LEFT_SHIFT = {"int8": 7, "int16": 0}
_OPERATIONS = {
    "ADD": 0,
    "SUB": 1,
    "MUL": 2,
    "SQUARED_DIFFERENCE": 3,
    "DIV": 4,
    "MINIMUM": 5,
    "MAXIMUM": 6,
    "PRELU": 7,
    "FLOOR_DIV": 8,
}
_WITH_FUSED_ACTIVATION = ("ADD", "SUB", "MUL", "DIV")
_EXTREMES = ("MINIMUM", "MAXIMUM")
# An int8 value less its zero point is below 2^8, a product of two below 2^16: shifted so far, both stay below 2^29.
_LARGEST_VALUE_SHIFT, _LARGEST_PRODUCT_SHIFT = 21, 13
_OPERATIONS_OF_ADD_INT8 = {"ADD": 0, "SUB": 1, "SQUARED_DIFFERENCE": 2}


def broadcast_fields(operator: Operator, first: Tensor, second: Tensor, target: Tensor) -> dict[str, int | list[int]]:
    """The fields of a step that tell how both operands are walked through: the shape of the result, and for each axis
    of it the strides of the operands, zero where one is repeated. Refuses shapes that do not give the result's."""
    strides1, strides2 = broadcast_strides(first.shape, target.shape), broadcast_strides(second.shape, target.shape)
    shapes = f"{list(first.shape)} and {list(second.shape)}"
    if strides1 is None or strides2 is None or target.shape != np.broadcast_shapes(first.shape, second.shape):
        raise refusal(operator, f"shapes {shapes} do not give {list(target.shape)}")
    merged = merge_axes(target.shape, strides1, strides2)
    if merged is None:
        raise unsupported_error(operator, f"broadcasting {shapes}")
    shape, (stride1, stride2) = merged
    return {
        "shape": shape,
        "stride1": stride1,
        "stride2": stride2,
        "elements1": first.elements,
        "elements2": second.elements,
    }


def _operand_fields(
    operator: Operator, first: Tensor, second: Tensor, target: Tensor, build: Builder
) -> dict[str, FieldValue]:
    """The buffers, and the walk through both inputs."""
    return {
        "input1": build.read(first),
        "input2": build.read(second),
        "output": build.allocate(target),
        **broadcast_fields(operator, first, second, target),
    }


def _product_factor(operator: Operator, first: Tensor, second: Tensor, target: Tensor) -> tuple[int, int]:
    """Multiplier and shift from a product of two values to the output's scale, computed in double."""
    multiplier, shift = quantise_multiplier(float(first.scale) * float(second.scale) / float(target.scale))
    if shift > (_LARGEST_PRODUCT_SHIFT if target.dtype == "int8" else 30):
        raise refusal(operator, "its scales magnify a product beyond int32")
    return multiplier, shift


def smaller_than_one(operator: Operator, real: float) -> tuple[int, int]:
    """QuantizeMultiplierSmallerThanOneExp: Micro stops where the factor is not between 0 and 1."""
    multiplier, shift = quantise_multiplier(real)
    if not 0 < real < 1 or shift > 0:
        raise refusal(operator, f"its scales give a rescaling factor of {real:.3g}, which is not between 0 and 1")
    return multiplier, shift


def _add_factors(first: Tensor, second: Tensor, target: Tensor) -> tuple[float, float, float]:
    """ADD and SUB compute in double."""
    twice_largest = 2 * float(max(first.scale, second.scale))
    return (
        float(first.scale) / twice_largest,
        float(second.scale) / twice_largest,
        twice_largest / ((1 << _LEFT_SHIFT[target.dtype]) * float(target.scale)),
    )


def _squared_difference_factors(first: Tensor, second: Tensor, target: Tensor) -> tuple[float, float, float]:
    """SQUARED_DIFFERENCE computes in double; its result has the square of the common scale."""
    twice_largest = 2 * float(max(first.scale, second.scale))
    return (
        float(first.scale) / twice_largest,
        float(second.scale) / twice_largest,
        twice_largest * twice_largest / ((1 << 2 * _SQUARE_LEFT_SHIFT[target.dtype]) * float(target.scale)),
    )


_FACTORS = {"ADD": _add_factors, "SUB": _add_factors, "SQUARED_DIFFERENCE": _squared_difference_factors}


def _fused_activation(operator: Operator) -> int:
    return operator.integer(0) if operator.name in _WITH_FUSED_ACTIVATION else 0


def _float_bounds(operator: Operator) -> tuple[float, float]:
    """The bounds of the fused activation, which clamp infinities too. Operators without one have infinite bounds."""
    if operator.name in (*_EXTREMES, "PRELU", "FLOOR_DIV"):
        return -float("inf"), float("inf")
    return activation_range_float(operator, _fused_activation(operator))


def _emit_add(operator: Operator, first: Tensor, second: Tensor, target: Tensor, build: Builder) -> None:
    *factors, last = _FACTORS[operator.name](first, second, target)
    (multiplier1, shift1), (multiplier2, shift2) = (smaller_than_one(operator, factor) for factor in factors)
    any_factor = target.dtype == "int16" and operator.name == "SQUARED_DIFFERENCE"
    multiplier, shift = quantise_multiplier(last) if any_factor else smaller_than_one(operator, last)
    low, high = activation_range_quantised(operator, _fused_activation(operator), target)
    build.step(
        f"add_{target.dtype}",
        **_operand_fields(operator, first, second, target, build),
        offset1=-first.zero_point,
        multiplier1=multiplier1,
        shift1=shift1,
        offset2=-second.zero_point,
        multiplier2=multiplier2,
        shift2=shift2,
        operation=_OPERATIONS_OF_ADD_INT8[operator.name],
        multiplier=multiplier,
        shift=shift,
        output_zero_point=target.zero_point,
        minimum=low,
        maximum=high,
    )


def _emit_multiply(operator: Operator, first: Tensor, second: Tensor, target: Tensor, build: Builder) -> None:
    multiplier, shift = _product_factor(operator, first, second, target)
    low, high = activation_range_quantised(operator, operator.integer(0), target)
    build.step(
        f"multiply_{target.dtype}",
        **_operand_fields(operator, first, second, target, build),
        offset1=-first.zero_point,
        offset2=-second.zero_point,
        multiplier=multiplier,
        shift=shift,
        output_zero_point=target.zero_point,
        minimum=low,
        maximum=high,
    )


def _emit_extreme(operator: Operator, first: Tensor, second: Tensor, target: Tensor, build: Builder) -> None:
    """Micro compares the stored values, whatever their scales."""
    build.step(
        f"extreme_{target.dtype}",
        **_operand_fields(operator, first, second, target, build),
        maximum=int(operator.name == "MAXIMUM"),
    )


def _emit_prelu(operator: Operator, first: Tensor, second: Tensor, target: Tensor, build: Builder) -> None:
    """CalculatePreluParams: in double."""
    ratio = float(first.scale) / float(target.scale)
    positive_multiplier, positive_shift = quantise_multiplier(ratio)
    multiplier, shift = _product_factor(operator, first, second, target)
    if positive_shift > (_LARGEST_VALUE_SHIFT if target.dtype == "int8" else 30):
        raise refusal(operator, "its scales magnify values beyond int32")
    build.step(
        f"prelu_{target.dtype}",
        **_operand_fields(operator, first, second, target, build),
        offset1=-first.zero_point,
        offset2=-second.zero_point,
        positive_multiplier=positive_multiplier,
        positive_shift=positive_shift,
        multiplier=multiplier,
        shift=shift,
        output_zero_point=target.zero_point,
    )


_EMIT_INTEGERS = {
    **dict.fromkeys(_FACTORS, _emit_add),
    **dict.fromkeys(_EXTREMES, _emit_extreme),
    "MUL": _emit_multiply,
    "PRELU": _emit_prelu,
}


def _check_int16(operator: Operator, first: Tensor, second: Tensor, target: Tensor) -> None:
    """Micro's own demands; ADD takes any zero point, MINIMUM and MAXIMUM do not look at it."""
    if operator.name == "ADD":
        for tensor in (first, second, target):
            if abs(own_zero_point(operator, tensor)) >= integer_range("int16")[1]:
                raise unsupported_error(operator, f"an int16 tensor with the zero point {tensor.zero_point}")
    elif operator.name == "PRELU":
        symmetric(operator, first, target)
        own_zero_point(operator, second)
    elif operator.name not in _EXTREMES:
        symmetric(operator, first, second, target)


_OPERATIONS_OF_INT32 = {"ADD": 0, "SUB": 1, "MUL": 2, "SQUARED_DIFFERENCE": 3, "MINIMUM": 4, "MAXIMUM": 5}


def emit_int32(
    operator: Operator,
    build: Builder,
    places: tuple[BufferPosition, BufferPosition, BufferPosition],
    walk: Mapping[str, FieldValue],
    name: str,
) -> None:
    """`places` are both inputs' and the output's."""
    low, high = integer_range("int32")
    if operator.name in ("SUB", "MUL"):
        low, high = activation_range_int32(operator, operator.integer(0))
    build.step(
        "elementwise_int32",
        input1=places[0],
        input2=places[1],
        output=places[2],
        **walk,
        operation=_OPERATIONS_OF_INT32[name],
        minimum=low,
        maximum=high,
    )


def _emit_int32(operator: Operator, first: Tensor, second: Tensor, target: Tensor, build: Builder) -> None:
    """Micro has no fused activation for the sum of int32."""
    if operator.name not in _OPERATIONS_OF_INT32:
        raise unsupported_error(operator, "int32 tensors")
    walk = broadcast_fields(operator, first, second, target)
    emit_int32(operator, build, (build.read(first), build.read(second), build.allocate(target)), walk, operator.name)


def emit_elementwise_float(
    build: Builder, name: str, places: tuple[BufferPosition, BufferPosition, BufferPosition], elements: int
) -> None:
    """Emits an elementwise step for float tensors of one shape, without bounds. `places` are both inputs' and the
    output's."""
    merged = merge_axes([elements], [1], [1])
    assert merged is not None
    shape, (stride1, stride2) = merged
    build.step(
        "elementwise_float",
        input1=places[0],
        input2=places[1],
        output=places[2],
        shape=shape,
        stride1=stride1,
        stride2=stride2,
        elements1=elements,
        elements2=elements,
        operation=_OPERATIONS[name],
        minimum=-float("inf"),
        maximum=float("inf"),
    )


def lower_elementwise(operator: Operator, build: Builder) -> None:
    """Lowers operators of two inputs that are computed value by value, with broadcasting. Raises `PlanRefused`."""
    first, second, target = operand(operator, 0), operand(operator, 1), result(operator)
    if operator.name == "PRELU" and (first.dtype, second.dtype, target.dtype) == ("int16", "int8", "int16"):
        dtype = "int16"
    else:
        others = () if operator.name == "PRELU" else ("int16", "int32")
        dtype = common_dtype(operator, first, second, target, others=others)
    if dtype == "int32":
        _emit_int32(operator, first, second, target, build)
        return
    if dtype == "float32":
        low, high = _float_bounds(operator)
        build.step(
            "elementwise_float",
            input1=build.read(first),
            input2=build.read(second),
            output=build.allocate(target),
            **broadcast_fields(operator, first, second, target),
            operation=_OPERATIONS[operator.name],
            minimum=low,
            maximum=high,
        )
        return
    emit = _EMIT_INTEGERS.get(operator.name)
    if emit is None:
        raise unsupported_error(operator, f"{dtype} tensors")
    if dtype == "int16":
        _check_int16(operator, first, second, target)
    emit(operator, first, second, target, build)


def lower_floor_mod(operator: Operator, build: Builder) -> None:
    """Lowers FLOOR_MOD, in float32 only. Raises `PlanRefused`."""
    first, second, target = operand(operator, 0), operand(operator, 1), result(operator)
    if common_dtype(operator, first, second, target) != "float32":
        raise unsupported_error(operator, "TensorFlow Lite Micro has it in float32 alone")
    build.step("floor_mod_float", **_operand_fields(operator, first, second, target, build))


LOWERINGS = {**dict.fromkeys(_OPERATIONS, lower_elementwise), "FLOOR_MOD": lower_floor_mod}
