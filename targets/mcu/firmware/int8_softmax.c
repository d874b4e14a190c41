/* SOFTMAX of int8 tensors in gemmlowp's fixed point; exponentials come from the planner's table. */
#include "fixed_point.h"
#include "kernels.h"
#include "rows_view.h"
#include "steps_reduction.h"

#define ACCUMULATOR_INTEGER_BITS 12

static int32_t saturating_left_shift(int32_t x, int32_t bits) {
    int64_t wide = (int64_t)x * (1 << bits);
    return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

/* 1 / (1 + x) for x in [0, 1), both Q0.31: three Newton-Raphson steps on half the denominator, in Q2.29, from the
 * minimax start 48/17 - 32/17 d. */
static int32_t one_over_one_plus(int32_t x) {
    int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) >> 1);
    int32_t estimate = 1515870810 + rounding_high_product(half_denominator, -1010580540);
    for (int i = 0; i < 3; i++) {
        int32_t error = (1 << 29) - rounding_high_product(half_denominator, estimate);
        estimate += saturating_left_shift(rounding_high_product(estimate, error), 2);
    }
    return saturating_left_shift(estimate, 1);
}

static bool softmax_row(const int32_t *table, const int8_t *input, int8_t *output, int32_t depth) {
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < depth; i++) {
        largest = input[i] > largest ? input[i] : largest;
    }
    uint32_t sum = 0;
    for (int32_t i = 0; i < depth; i++) {
        sum += (uint32_t)rounding_shift_right(table[largest - input[i]], ACCUMULATOR_INTEGER_BITS);
    }
    /* Normalised to [1, 2), the fraction of the sum goes through the reciprocal. */
    int32_t leading_zeros = __builtin_clz(sum | 1);
    int32_t scale = one_over_one_plus((int32_t)((sum << leading_zeros) & INT32_MAX));
    int32_t exponent = ACCUMULATOR_INTEGER_BITS - leading_zeros + 31 - 8;
    if (exponent < 0 || exponent > 31) {
        return false; /* Micro aborts here: more than 512 classes at the maximum */
    }
    for (int32_t i = 0; i < depth; i++) {
        int32_t value = rounding_shift_right(rounding_high_product(scale, table[largest - input[i]]), exponent);
        output[i] = (int8_t)clamp(value + INT8_MIN, INT8_MIN, INT8_MAX);
    }
    return true;
}

enum plan_status run_softmax_int8(const struct execution *execution, const void *raw) {
    const struct softmax_int8_step *step = raw;
    if (step->rows < 1 || !dimensions_valid(&step->depth, 1)) {
        return PLAN_BAD_GEOMETRY;
    }
    const int32_t *table = plan_read(execution, step->table, 256 * 4, 4);
    struct rows_view view;
    if (table == NULL || !bind_rows(execution, step->input, step->output, step->rows, step->depth, 1, &view)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const int8_t *input = view.input;
    int8_t *output = view.output;
    for (int32_t row = 0; row < step->rows; row++) {
        if (!softmax_row(table, input, output, step->depth)) {
            return PLAN_BAD_GEOMETRY;
        }
        input += step->depth;
        output += step->depth;
    }
    return PLAN_OK;
}
