/* Fixed-point arithmetic with the rounding of TensorFlow Lite's reference kernels (gemmlowp, two roundings). */
#ifndef FIXED_POINT_H
#define FIXED_POINT_H

#include <stdint.h>

/* (a * b + 2^30) >> 31. Equal to gemmlowp's SaturatingRoundingDoublingHighMul except where both are INT32_MIN,
 * which planned multipliers (never negative) exclude. */
static inline int32_t rounding_high_product(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* x / 2^exponent, halves away from zero, for any x and an exponent from 0 to 31. */
static inline int32_t rounding_shift_right(int32_t x, int32_t exponent) {
    int32_t mask = (int32_t)((1u << exponent) - 1);
    int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + ((x & mask) > threshold);
}

/* x times multiplier * 2^(shift - 31), shift from -31 to 30, in the reference's two roundings. The planner proves for
 * every accumulator that neither |x| * 2^shift nor the nudge below leaves int32. */
static inline int32_t requantize(int32_t x, int32_t multiplier, int32_t shift) {
    if (shift >= 0) {
        return rounding_high_product((int32_t)((uint32_t)x << shift), multiplier);
    }
    int32_t product = rounding_high_product(x, multiplier);
    return (int32_t)((uint32_t)product + (uint32_t)(product >> 31) + (1u << (-shift - 1))) >> -shift;
}

/* As requantize, for any x: what does not fit wraps, as in the reference. */
static inline int32_t requantize_any(int32_t x, int32_t multiplier, int32_t shift) {
    int32_t left = shift > 0 ? shift : 0;
    int32_t product = rounding_high_product((int32_t)((uint32_t)x << left), multiplier);
    return rounding_shift_right(product, left - shift);
}

/* x times multiplier * 2^(shift - 15), halves upwards: the reference's way with 64-bit sums, which rounds once. */
static inline int32_t requantize_wide(int64_t x, int32_t multiplier, int32_t shift) {
    uint64_t rounding = (uint64_t)1 << (14 - shift);
    return (int32_t)((int64_t)((uint64_t)x * (uint64_t)multiplier + rounding) >> (15 - shift));
}

static inline int wide_rescaling_valid(int32_t multiplier, int32_t shift) {
    return multiplier >= 0 && multiplier <= INT16_MAX && shift >= -31 && shift <= 7;
}

static inline int32_t clamp(int32_t x, int32_t minimum, int32_t maximum) {
    return x < minimum ? minimum : x > maximum ? maximum : x;
}

static inline int shift_valid(int32_t shift) {
    return shift >= -31 && shift <= 30;
}

#endif
