"""LOGISTIC, TANH, the ReLUs and SOFTMAX of int16 values."""

from __future__ import annotations

import math

import numpy as np

from ..builder import Builder
from ..fixed_point import quantise_multiplier, round_half_away
from ..lookup_tables import exponential_curve, reciprocal_curve, sigmoid_table
from ..model import Operator, Tensor
from .checks import integer_range, refusal, symmetric, unsupported_error
from .rescaling import SCALED, SCALED_NEGATED, UNCHANGED, emit_rescaling

_CURVES = {"LOGISTIC": 0, "TANH": 1}
_OUTPUT_SCALE = 2.0**-15
# Scales of the input, a power of two each, that need no more than the table's own factor of 3.
_PLAIN_SHIFTS = {"LOGISTIC": (0,), "TANH": (0, 1)}
_INTEGER_BITS = 3


def curve_factor(name: str, scale: float) -> tuple[int, int]:
    """(multiplier, right shift) from the input's scale to the table's 1 / (3 * 4096), as Micro's Prepare has them."""
    fraction, exponent = math.frexp(scale)
    left = 15 - _INTEGER_BITS + exponent - 1
    if fraction == 0.5 and left in _PLAIN_SHIFTS[name]:
        return 3 << left, 0
    multiplier, shift = scale * 4096.0 * 3.0, 0
    while multiplier <= 32767.0 / 2.0 and shift <= 30:
        shift += 1
        multiplier *= 2.0
    return int(multiplier), shift


def _lower_curve(operator: Operator, build: Builder, source: Tensor, target: Tensor) -> None:
    symmetric(operator, source, target)
    if float(target.scale) != _OUTPUT_SCALE:
        raise unsupported_error(operator, "an int16 output whose scale is not 1/32768")
    multiplier, shift = curve_factor(operator.name, float(source.scale))
    if not 0 < multiplier <= 32767:
        raise unsupported_error(operator, f"an input scale of {float(source.scale):.3g}")
    build.step(
        "curve_int16",
        input=build.read(source),
        output=build.allocate(target),
        table=build.constant(sigmoid_table()),
        elements=source.elements,
        curve=_CURVES[operator.name],
        multiplier=multiplier,
        shift=shift,
    )


def lower_unary_int16(operator: Operator, build: Builder, source: Tensor, target: Tensor) -> None:
    """Lowers an int16 activation: curves, RELU, RELU6 and LEAKY_RELU. Raises `PlanRefused`."""
    if operator.name in _CURVES:
        _lower_curve(operator, build, source, target)
        return
    highest = integer_range("int16")[1]
    if operator.name == "RELU6":
        # A clamp in the input's scale, without rescaling.
        six = source.zero_point + round_half_away(float(np.float32(6.0) / source.scale))
        bounds = (source.zero_point, min(six, highest))
        emit_rescaling(operator, build, source, target, UNCHANGED, zero_points=(0, 0), bounds=bounds)
        return
    # Micro computes these factors in double.
    factor = quantise_multiplier(float(source.scale) / float(target.scale))
    if operator.name == "RELU":
        symmetric(operator, source, target)
        emit_rescaling(operator, build, source, target, factor, bounds=(0, highest))
    elif operator.name == "LEAKY_RELU":
        below = float(source.scale) * float(operator.real(0, 0.0)) / float(target.scale)
        multiplier, shift = quantise_multiplier(below)
        way = SCALED_NEGATED if multiplier < 0 else SCALED
        emit_rescaling(operator, build, source, target, factor, (abs(multiplier), shift), way)
    else:
        raise unsupported_error(operator, "int16 tensors")


def near(scale: np.float32, wanted: float) -> bool:
    """Whether `scale` is as near to `wanted` as Micro asks for: within a thousandth of it."""
    return abs(float(scale) - wanted) <= 0.001 * wanted


def lower_softmax_int16(operator: Operator, build: Builder, source: Tensor, target: Tensor, beta: float) -> None:
    """Lowers an int16 SOFTMAX whose output has the scale 1/32768. Raises `PlanRefused`."""
    symmetric(operator, source, target)
    if not near(target.scale, _OUTPUT_SCALE):
        raise unsupported_error(operator, "an int16 output whose scale is not 1/32768")
    multiplier, shift = quantise_multiplier(float(source.scale) * beta / (10.0 / 65535.0))
    if multiplier < 0 or shift > 30:
        raise refusal(operator, f"beta {beta:.3g} with input scale {float(source.scale):.3g} leaves no precision")
    depth = source.shape[-1]
    build.step(
        "softmax_int16",
        input=build.read(source),
        output=build.allocate(target),
        exponentials=build.constant(exponential_curve()),
        reciprocals=build.constant(reciprocal_curve()),
        rows=source.elements // depth,
        depth=depth,
        multiplier=multiplier,
        shift=shift,
    )
