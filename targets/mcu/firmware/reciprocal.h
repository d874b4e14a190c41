/* The reciprocal that gemmlowp's softmax divides by. */
#ifndef RECIPROCAL_H
#define RECIPROCAL_H

#include "fixed_point.h"

static inline int32_t saturating_left_shift(int32_t x, int32_t bits) {
    int64_t wide = (int64_t)x * (1 << bits);
    return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

/* 1 / (1 + x) for x in [0, 1), both Q0.31: three Newton-Raphson steps on half the denominator, in Q2.29, from the
 * minimax start 48/17 - 32/17 d. */
static inline int32_t one_over_one_plus(int32_t x) {
    int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) >> 1);
    int32_t estimate = 1515870810 + rounding_high_product(half_denominator, -1010580540);
    for (int i = 0; i < 3; i++) {
        int32_t error = (1 << 29) - rounding_high_product(half_denominator, estimate);
        estimate += saturating_left_shift(rounding_high_product(estimate, error), 2);
    }
    return saturating_left_shift(estimate, 1);
}

#endif
