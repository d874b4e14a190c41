"""Fixed-point arithmetic with TensorFlow Lite's rounding, on plain integers.

`quantise_multiplier` is QuantizeMultiplier of tensorflow/lite/kernels/internal/quantization_util.cc; the rest follows
gemmlowp's fixedpoint.h, the library that the reference kernels use. Raw values are int32, Qm.n with m integer bits.
"""

from __future__ import annotations

import math

INT32_MAX = (1 << 31) - 1
INT32_MIN = -(1 << 31)


def round_half_away(value: float) -> int:
    """C's round()."""
    return math.floor(abs(value) + 0.5) * (-1 if value < 0 else 1)


def quantise_multiplier(real: float) -> tuple[int, int]:
    """`real` as (multiplier in Q0.31, power of two); (0, 0) where it is too small to matter."""
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_half_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def reduced_multiplier(multiplier: int) -> int:
    """A multiplier in Q0.31 as one in Q0.15, which 64-bit values are multiplied by."""
    return 0x7FFF if multiplier >= 0x7FFF0000 else (multiplier + (1 << 15)) >> 16


def wrap_int32(value: int) -> int:
    """The value modulo 2^32, as an int32: what an overflow leaves."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def saturate_int32(value: int) -> int:
    """The value, or the nearest one that an int32 holds."""
    return max(INT32_MIN, min(INT32_MAX, value))


def rounding_high_product(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul: a * b / 2^31, halves upwards."""
    return saturate_int32((a * b + (1 << 30)) >> 31)


def rounding_shift_right(x: int, exponent: int) -> int:
    """RoundingDivideByPOT: x / 2^exponent, halves away from zero."""
    mask = (1 << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def requantise(x: int, multiplier: int, shift: int) -> int:
    """MultiplyByQuantizedMultiplier with two roundings."""
    left, right = max(shift, 0), max(-shift, 0)
    return rounding_shift_right(rounding_high_product(wrap_int32(x << left), multiplier), right)


def inverse_square_root(value: int) -> tuple[int, int]:
    """1 / sqrt(value) as (multiplier in Q0.31, power of two), for an integer of at least 1 and below 2^29.

    GetInvSqrtQuantizedMultiplierExp of quantization_util.h: five Newton-Raphson steps in Q3.28, from 1.
    """
    if value == 1:
        return INT32_MAX, 0
    # By an even number of bits into 2^27 … 2^29.
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    right_shift = 11 - pairs
    scaled = value << (2 * pairs) >> 1
    half = rounding_shift_right(scaled, 1)
    half_three = (1 << 28) + (1 << 27)
    x = 1 << 28
    for _ in range(5):
        cube = saturate_int32(rounding_high_product(rounding_high_product(x, x), x) << 6)
        x = saturate_int32((rounding_high_product(half_three, x) - rounding_high_product(half, cube)) << 3)
    half_square_root_of_two = 1518500250
    multiplier = rounding_high_product(x, half_square_root_of_two)
    if right_shift < 0:
        return multiplier << -right_shift, 0
    return multiplier, -right_shift


# (kept bit of the remainder relative to the binary point, exp(-2^bit) in Q0.31)
_EXP_FACTORS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)


def _exp_on_last_quarter(a: int) -> int:
    """exp(a) for a in [-1/4, 0), both Q0.31: a Taylor expansion around -1/8."""
    x = a + (1 << 28)
    x2 = rounding_high_product(x, x)
    x3 = rounding_high_product(x2, x)
    x4 = rounding_high_product(x2, x2)
    quarter_x4 = rounding_shift_right(x4, 2)
    series = rounding_shift_right(rounding_high_product(quarter_x4 + x3, 715827883) + x2, 1)
    constant = 1895147668  # exp(-1/8)
    return constant + rounding_high_product(constant, x + series)


def exp_on_negative_values(a: int, integer_bits: int) -> int:
    """exp(a) in Q0.31 for a <= 0 with `integer_bits` integer bits."""
    if a == 0:
        return INT32_MAX
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    modulo = (a & (quarter - 1)) - quarter
    result = _exp_on_last_quarter(saturate_int32(modulo << integer_bits))
    remainder = modulo - a
    for exponent, factor in _EXP_FACTORS:
        if integer_bits > exponent and remainder & (1 << (fractional_bits + exponent)):
            result = rounding_high_product(result, factor)
    return result


def _newton_reciprocal(a: int) -> int:
    """1 / ((1 + a) / 2) in Q2.29 for a in [0, 1], Q0.31: three Newton-Raphson steps."""
    total = a + INT32_MAX
    half_denominator = (total + 1) >> 1
    x = 1515870810 + rounding_high_product(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - rounding_high_product(half_denominator, x)
        x += saturate_int32(rounding_high_product(x, error) << 2)
    return x


def logistic(a: int, integer_bits: int) -> int:
    """1 / (1 + exp(-a)) in Q0.31."""
    if a == 0:
        return 1 << 30
    reciprocal = _newton_reciprocal(exp_on_negative_values(-abs(a), integer_bits))
    positive = saturate_int32(reciprocal << 1)
    return positive if a > 0 else INT32_MAX - positive


def tanh(a: int, integer_bits: int) -> int:
    """tanh(a) in Q0.31: (1 - x) / (1 + x) with x = exp(-2 |a|)."""
    if a == 0:
        return 0
    reciprocal = _newton_reciprocal(exp_on_negative_values(-abs(a), integer_bits + 1))
    magnitude = saturate_int32((reciprocal - (1 << 29)) << 2)
    return magnitude if a > 0 else -magnitude
