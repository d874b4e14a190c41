"""Tables that replace arithmetic on the device: one entry for each of the 256 values an int8 can have.

Each function follows one reference kernel of TensorFlow Lite Micro, named in its docstring, in plain integers; entries
are in the order of the values' bits (0 … 127, -128 … -1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fixed_point import (
    exp_on_negative_values,
    logistic,
    quantise_multiplier,
    requantise,
    round_half_away,
    rounding_high_product,
    rounding_shift_right,
    tanh,
)

INT8_VALUES = range(-128, 128)


def by_bits(values: list[int] | list[float], dtype: type) -> NDArray[Any]:
    """Results for -128 … 127 in the order of the values' bits."""
    return np.roll(np.array(values, dtype), 128)


def clamp(value: int, low: int = -128, high: int = 127) -> int:
    """The value, or the nearest one from `low` to `high`; the range of int8 unless named."""
    return max(low, min(high, value))


def _input_radius(integer_bits: int, left_shift: int) -> int:
    """CalculateInputRadius: inputs further from zero than this saturate."""
    return math.floor(((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / (1 << left_shift))


def _saturating_function(
    input_scale: float, zero_point: int, function: Callable[[int, int], int], finish: Callable[[int], int]
) -> NDArray[np.int8]:
    """A function of Q4.27 values: LOGISTIC and TANH, which share their input scaling."""
    integer_bits = 4
    fraction, left_shift = math.frexp(input_scale * (1 << (31 - integer_bits)))
    multiplier = round_half_away(fraction * (1 << 31))
    radius = _input_radius(integer_bits, left_shift)
    entries = []
    for value in INT8_VALUES:
        centred = value - zero_point
        if centred <= -radius:
            entries.append(-128)
        elif centred >= radius:
            entries.append(127)
        else:
            entries.append(finish(function(requantise(centred, multiplier, left_shift), integer_bits)))
    return by_bits(entries, np.int8)


def logistic_table(input_scale: float, zero_point: int) -> NDArray[np.int8]:
    """reference_integer_ops::Logistic; the output has scale 1/256 and zero point -128."""
    return _saturating_function(
        input_scale, zero_point, logistic, lambda q31: clamp(rounding_shift_right(q31, 23) - 128)
    )


def tanh_table(input_scale: float, zero_point: int) -> NDArray[np.int8]:
    """reference_integer_ops::Tanh; the output has scale 1/128 and zero point 0."""
    return _saturating_function(input_scale, zero_point, tanh, lambda q31: clamp(rounding_shift_right(q31, 24)))


def relu_table(
    input_scale: np.float32, input_zero_point: int, output_scale: np.float32, output_zero_point: int
) -> NDArray[np.int8]:
    """ReluQuantized (micro/kernels/activations.h); the factor is computed in double."""
    multiplier, shift = quantise_multiplier(float(input_scale) / float(output_scale))
    low = max(-128, output_zero_point)
    return by_bits(
        [clamp(output_zero_point + requantise(v - input_zero_point, multiplier, shift), low) for v in INT8_VALUES],
        np.int8,
    )


def relu6_table(input_scale: np.float32, input_zero_point: int) -> NDArray[np.int8]:
    """Relu6Quantized: a clamp in the input's scale, without rescaling."""
    six = clamp(round_half_away(float(np.float32(6.0) / input_scale)) + input_zero_point)
    return by_bits([six if v > six else max(v, input_zero_point) for v in INT8_VALUES], np.int8)


def leaky_relu_table(
    input_scale: np.float32,
    input_zero_point: int,
    output_scale: np.float32,
    output_zero_point: int,
    slope: np.float32,
) -> NDArray[np.int8]:
    """QuantizeLeakyRelu (reference/leaky_relu.h); the factors are computed in double."""
    identity = quantise_multiplier(float(input_scale) / float(output_scale))
    alpha_multiplier, alpha_shift = quantise_multiplier(float(input_scale) * float(slope) / float(output_scale))
    sign = -1 if alpha_multiplier < 0 else 1
    entries = []
    for value in INT8_VALUES:
        centred = value - input_zero_point
        if centred >= 0:
            scaled = requantise(centred, *identity)
        else:
            scaled = sign * requantise(centred, abs(alpha_multiplier), alpha_shift)
        entries.append(clamp(output_zero_point + scaled))
    return by_bits(entries, np.int8)


def _q15_product(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul of int16: a * b / 2^15, halves upwards; no caller has both at the minimum."""
    return (a * b + (1 << 14)) >> 15


def _q15_multiplier(real: float) -> tuple[int, int]:
    """QuantizeMultiplier and DownScaleInt32ToInt16Multiplier: (multiplier in Q0.15, power of two)."""
    multiplier, exponent = quantise_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1), exponent


def _clamp_int16(value: int) -> int:
    return clamp(value, -(1 << 15), (1 << 15) - 1)


def hard_swish_table(
    input_scale: np.float32, input_zero_point: int, output_scale: np.float32, output_zero_point: int
) -> NDArray[np.int8] | None:
    """HardSwishPrepare and reference_ops::HardSwish, on int16 values with seven bits of headroom.

    None where the scales ask for shifts that int16 has not, or that Micro refuses.
    """
    fine_scale = np.float32(1 / 128) * input_scale
    multiplier, exponent = _q15_multiplier(float(fine_scale / output_scale))
    slope, slope_exponent = _q15_multiplier(float(fine_scale / np.float32(3 / 32768)))
    if not -14 <= exponent <= 0 or not -14 <= slope_exponent <= 31:
        return None
    entries = []
    for value in INT8_VALUES:
        fine = (value - input_zero_point) * 128
        # 3 becomes 2^15, so that saturation is the clamp of the function; the last doubling comes after the product.
        unit = _clamp_int16(fine << max(slope_exponent - 1, 0))
        unit = _q15_product(unit, slope)
        if slope_exponent > 0:
            unit = _clamp_int16(unit << 1)
        unit = rounding_shift_right(unit, max(-slope_exponent, 0))
        gate = (unit + (1 << 15)) >> 1
        product = gate * _q15_product(fine, multiplier)
        truncated = abs(product) // (1 << 15) * (-1 if product < 0 else 1)
        shifted = rounding_shift_right(truncated, -exponent) + output_zero_point
        entries.append(clamp((shifted + (1 << 15)) % (1 << 16) - (1 << 15)))
    return by_bits(entries, np.int8)


def elu_table(
    input_scale: np.float32, input_zero_point: int, output_scale: np.float32, output_zero_point: int
) -> NDArray[np.int8]:
    """PopulateLookupTable of micro/kernels/elu.cc: float32, rounded at the end."""
    values = input_scale * np.arange(-128 - input_zero_point, 128 - input_zero_point).astype(np.float32)
    below = np.exp(values.astype(np.float64)).astype(np.float32) - np.float32(1)
    transformed = np.where(values < 0, below, values) * (np.float32(1) / output_scale)
    rounded = np.copysign(np.floor(np.abs(transformed.astype(np.float64)) + 0.5), transformed)
    shifted = np.trunc(np.clip(rounded, -(2.0**24), 2.0**24) + output_zero_point)
    return by_bits([int(value) for value in np.clip(shifted, -128, 127)], np.int8)


def requantise_table(
    source: type[np.integer],
    input_scale: float,
    input_zero_point: int,
    target: type[np.integer],
    output_scale: float,
    output_zero_point: int,
) -> NDArray[np.uint8]:
    """reference_ops::Requantize between eight-bit types, as the bits of the results."""
    multiplier, shift = quantise_multiplier(input_scale / output_scale)
    limits = np.iinfo(target)
    bits = np.arange(256, dtype=np.uint8)
    values = [
        clamp(requantise(int(v) - input_zero_point, multiplier, shift) + output_zero_point, limits.min, limits.max)
        for v in bits.view(source)
    ]
    return np.array(values, target).view(np.uint8)


def dequantise_table(source: type[np.integer], scale: float, zero_point: int) -> NDArray[np.float32]:
    """reference_ops::Dequantize: the product is taken in double and rounded once."""
    values = np.arange(256, dtype=np.uint8).view(source).astype(np.float64)
    return (scale * (values - zero_point)).astype(np.float32)


def softmax_exponentials(input_scale: float, beta: float) -> NDArray[np.int32] | None:
    """exp(-i * scale * beta) in Q0.31 for i = 0 … 255, 0 where the reference leaves the element out.

    PreprocessSoftmaxScaling and reference_ops::Softmax, five integer bits. None where the scaling is one that Micro
    stops at.
    """
    integer_bits = 5
    real = min(beta * input_scale * (1 << (31 - integer_bits)), float((1 << 31) - 1))
    if not real > 1.0:
        return None
    multiplier, left_shift = quantise_multiplier(real)
    furthest = _input_radius(integer_bits, left_shift)
    entries = []
    for distance in range(256):
        if distance > furthest:
            entries.append(0)
            continue
        rescaled = rounding_high_product(-distance << left_shift, multiplier)
        entries.append(exp_on_negative_values(rescaled, integer_bits))
    return np.array(entries, np.int32)


def log_softmax_scaling(input_scale: float) -> tuple[NDArray[np.int32], int, tuple[int, int]] | None:
    """(differences from 0 to -255 in Q5.26, the lowest one that counts, less 1, and the factor back to a difference).

    PreprocessLogSoftmaxScalingExp with beta 1. None where the scaling is one that Micro stops at.
    """
    integer_bits = 5
    real = min(input_scale * (1 << (31 - integer_bits)), float((1 << 31) - 1))
    if not real > 1.0:
        return None
    multiplier, left_shift = quantise_multiplier(real)
    back = (1 << (31 - left_shift)) / multiplier
    reverse = quantise_multiplier(back)
    if not 0 < back < 1 or reverse[1] > 0:
        return None
    distances = [requantise(-distance, multiplier, left_shift) for distance in range(256)]
    return np.array(distances, np.int32), -_input_radius(integer_bits, left_shift) - 1, reverse


def sigmoid_table() -> NDArray[np.uint16]:
    """sigmoid(i / 24) in Q0.16 for i = 0 … 255, made for linear interpolation between neighbours.

    A chord runs below the curve by up to h^2/8 |f''|, so each value is raised by half of that. The last one stands for
    the limit.
    """
    step = 1 / 24
    sigmoid = 1 / (1 + np.exp(-np.arange(256) * step))
    curvature = sigmoid * (1 - sigmoid) * (1 - 2 * sigmoid)
    table = np.floor(65536 * (sigmoid - step * step / 16 * curvature) + 0.5)
    table[255] = 65535
    return table.astype(np.uint16)


def _curve(
    low: np.float32, high: np.float32, function: Callable[[NDArray[np.float32]], NDArray[Any]]
) -> NDArray[np.int16]:
    """LUTPopulateInt16: 512 values and the last one's neighbour, for linear interpolation, in float32.

    Each is lowered by half of what a chord is above the curve at its middle. Results have the scale 2 / 65535.
    """
    step = (high - low) / np.float32(512)
    half_step = step / np.float32(2)
    unit = np.float32(2.0) / np.float32(65535)
    inverse = np.float32(65536) / (unit * np.float32(32767) - unit * np.float32(-32768))

    def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return (np.copysign(np.floor(np.abs(values.astype(np.float64)) + 0.5), values)).astype(np.float32)

    def at(places: NDArray[np.float32]) -> NDArray[np.float32]:
        return function(places.astype(np.float32)).astype(np.float32)

    index = np.arange(513, dtype=np.float32)
    places = low + index[:-1] * step
    values, middles, followers = at(places), at(places + half_step), at(low + index[1:] * step)
    samples = rounded(values * inverse)
    interpolated = rounded((followers * inverse + samples) / np.float32(2))
    errors = interpolated - rounded(middles * inverse)
    table = np.append(samples - rounded(errors / np.float32(2)), rounded(at(np.array([high])) * inverse))
    return np.clip(table, -32768, 32767).astype(np.int16)


def exponential_curve() -> NDArray[np.int16]:
    """exp(x) of -10 to 0, as Micro's SOFTMAX of int16 has it."""
    unit = np.float32(10.0) / np.float32(65535)
    return _curve(
        unit * np.float32(-65535),
        unit * np.float32(0),
        lambda x: np.exp(x.astype(np.float64)),
    )


def reciprocal_curve() -> NDArray[np.int16]:
    """1 / (1 + x) of 0 to 1, likewise."""
    unit = np.float32(1.0) / np.float32(65535)
    return _curve(
        unit * np.float32(0),
        unit * np.float32(65535),
        lambda x: np.float32(1) / (np.float32(1) + x),
    )
