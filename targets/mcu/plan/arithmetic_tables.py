"""Tables for ABS and RSQRT (tensorflow/lite/micro/kernels/elementwise.cc) of int8 values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .fixed_point import inverse_square_root, quantise_multiplier, requantise
from .lookup_tables import INT8_VALUES, by_bits, clamp

_RSQRT_SHIFT = 20  # bits that the root is kept with between its two roundings


def absolute_table(
    input_scale: np.float32, input_zero_point: int, output_scale: np.float32, output_zero_point: int
) -> NDArray[np.int8]:
    """AbsEvalQuantized: nothing is rescaled where the scales are equal; else the factor is computed in double."""
    factor = quantise_multiplier(float(input_scale) / float(output_scale))
    entries = []
    for value in INT8_VALUES:
        magnitude = abs(value - input_zero_point)
        scaled = magnitude if input_scale == output_scale else requantise(magnitude, *factor)
        entries.append(clamp(scaled + output_zero_point))
    return by_bits(entries, np.int8)


def inverse_square_root_table(
    input_scale: np.float32, output_scale: np.float32, output_zero_point: int
) -> NDArray[np.int8] | None:
    """RsqrtEvalQuantized for an input whose zero point is -128, so that no value is negative.

    None where the scales ask for shifts that the reference's arithmetic has not.
    """
    multiplier, shift = quantise_multiplier(1.0 / float(np.sqrt(input_scale) * output_scale))
    if not -31 <= shift - _RSQRT_SHIFT <= 10:
        return None
    entries = []
    for value in INT8_VALUES:
        distance = value + 128
        if distance == 0:
            entries.append(127)
            continue
        root_multiplier, root_shift = inverse_square_root(distance)
        root = requantise(1, root_multiplier, root_shift + _RSQRT_SHIFT)
        entries.append(clamp(requantise(root, multiplier, shift - _RSQRT_SHIFT) + output_zero_point))
    return by_bits(entries, np.int8)
