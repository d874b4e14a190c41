"""ABS, NEG, RSQRT, SQRT, SQUARE, EXP, LOG, SIN, COS, FLOOR, CEIL and ROUND: one element at a time, in int8 a table."""

from __future__ import annotations

from ..arithmetic_tables import absolute_table, inverse_square_root_table
from ..builder import Builder
from ..fixed_point import quantise_multiplier
from ..model import Operator
from .activation import emit_table, emit_unary_float
from .checks import common_dtype, operand, refusal, result, same_elements, symmetric, unsupported_error
from .rescaling import NEGATED_SCALED, UNCHANGED, emit_rescaling

_NEGATE, _ABSOLUTE, _INVERSE_SQUARE_ROOT = 4, 5, 6
_FLOAT_ALONE = {"NEG": _NEGATE, "EXP": 9, "SQRT": 10, "SQUARE": 11, "FLOOR": 12, "CEIL": 13, "ROUND": 14, "LOG": 15}


def lower_absolute(operator: Operator, build: Builder) -> None:
    """Lowers ABS: int8 is a table, int16 is rescaled. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    dtype = common_dtype(operator, source, target, others=("int16",))
    if dtype == "float32":
        emit_unary_float(source, target, _ABSOLUTE, build)
        return
    if dtype == "int16":
        symmetric(operator, source, target)
        same = source.scale == target.scale
        factor = UNCHANGED if same else quantise_multiplier(float(source.scale) / float(target.scale))
        emit_rescaling(operator, build, source, target, factor, below_way=NEGATED_SCALED)
        return
    if float(source.scale / target.scale) > 1 << 20:
        raise refusal(operator, "its scales magnify values beyond int32")
    emit_table(source, target, absolute_table(source.scale, source.zero_point, target.scale, target.zero_point), build)


def lower_float_alone(operator: Operator, build: Builder) -> None:
    """Micro has these in float32 alone: converters put them between DEQUANTIZE and QUANTIZE."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    if common_dtype(operator, source, target) != "float32":
        raise unsupported_error(operator, "TensorFlow Lite Micro has it in float32 alone")
    emit_unary_float(source, target, _FLOAT_ALONE[operator.name], build)


def lower_inverse_square_root(operator: Operator, build: Builder) -> None:
    """Lowers RSQRT. int8 is a table, for an input that is never negative (zero point −128). Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    if common_dtype(operator, source, target) == "float32":
        emit_unary_float(source, target, _INVERSE_SQUARE_ROOT, build)
        return
    if source.zero_point != -128:
        # Micro ends the inference with an error at the first negative value; a table cannot.
        raise unsupported_error(operator, f"an input that can be negative, with zero point {source.zero_point}")
    table = inverse_square_root_table(source.scale, target.scale, target.zero_point)
    if table is None:
        raise unsupported_error(operator, f"scales of {float(source.scale):.3g} and {float(target.scale):.3g}")
    emit_table(source, target, table, build)


def lower_wave(operator: Operator, build: Builder) -> None:
    """Lowers SIN and COS, in float32 only. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    if common_dtype(operator, source, target) != "float32":
        raise unsupported_error(operator, "TensorFlow Lite Micro has it in float32 alone")
    build.step(
        "wave_float",
        input=build.read(source),
        output=build.allocate(target),
        elements=source.elements,
        cosine=int(operator.name == "COS"),
    )


LOWERINGS = {
    "COS": lower_wave,
    "SIN": lower_wave,
    "ABS": lower_absolute,
    "RSQRT": lower_inverse_square_root,
    **dict.fromkeys(_FLOAT_ALONE, lower_float_alone),
}
