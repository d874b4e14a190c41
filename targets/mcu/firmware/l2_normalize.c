/* L2_NORMALIZATION: each row divided by its length. */
#include "fixed_point.h"
#include "float_math.h"
#include "kernels.h"
#include "rows_view.h"
#include "steps_reduction.h"

#define OUTPUT_BITS 7 /* the output's scale is 1/128 */

static int32_t shift_left_saturating(int32_t value, int32_t bits) {
    int64_t shifted = (int64_t)value * ((int64_t)1 << bits);
    return shifted > INT32_MAX ? INT32_MAX : shifted < INT32_MIN ? INT32_MIN : (int32_t)shifted;
}

/* 1 / sqrt(value) as a multiplier in Q0.31 and a power of two: five Newton-Raphson steps in Q3.28, from 1, as
 * GetInvSqrtQuantizedMultiplierExp of TensorFlow Lite's common.h. */
static int32_t inverse_square_root(int32_t value, int32_t *shift) {
    *shift = 0;
    if (value <= 1) {
        return INT32_MAX;
    }
    int32_t right_shift = 11;
    while (value >= 1 << 29) {
        value /= 4;
        right_shift++;
    }
    int32_t pairs = (__builtin_clz((uint32_t)value) - 1) / 2 - 1;
    right_shift -= pairs;
    int32_t half = rounding_shift_right((value << (2 * pairs)) >> 1, 1);
    const int32_t half_three = (1 << 28) + (1 << 27);
    int32_t x = 1 << 28;
    for (int i = 0; i < 5; i++) {
        int32_t cube = shift_left_saturating(rounding_high_product(rounding_high_product(x, x), x), 6);
        x = shift_left_saturating(rounding_high_product(half_three, x) - rounding_high_product(half, cube), 3);
    }
    const int32_t half_square_root_of_two = 1518500250;
    int32_t multiplier = rounding_high_product(x, half_square_root_of_two);
    if (right_shift < 0) {
        return (int32_t)((uint32_t)multiplier << -right_shift);
    }
    *shift = -right_shift;
    return multiplier;
}

enum plan_status run_l2_normalize_int8(const struct execution *execution, const void *raw) {
    const struct l2_normalize_step *step = raw;
    if (step->rows < 1 || !dimensions_valid(&step->depth, 1) || step->zero_point < INT8_MIN ||
        step->zero_point > INT8_MAX) {
        return PLAN_BAD_GEOMETRY;
    }
    struct rows_view view;
    if (!bind_rows(execution, step->input, step->output, step->rows, step->depth, 1, &view)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const int8_t *input = view.input;
    int8_t *output = view.output;
    for (int32_t row = 0; row < step->rows; row++) {
        int32_t sum = 0; /* at most 32767 squares of 255 */
        for (int32_t i = 0; i < step->depth; i++) {
            int32_t value = input[i] - step->zero_point;
            sum += value * value;
        }
        int32_t shift;
        int32_t multiplier = inverse_square_root(sum, &shift);
        for (int32_t i = 0; i < step->depth; i++) {
            int32_t value = requantize(input[i] - step->zero_point, multiplier, shift + OUTPUT_BITS);
            output[i] = (int8_t)clamp(value, INT8_MIN, INT8_MAX);
        }
        input += step->depth;
        output += step->depth;
    }
    return PLAN_OK;
}

enum plan_status run_l2_normalize_float(const struct execution *execution, const void *raw) {
    const struct l2_normalize_step *step = raw;
    if (step->rows < 1 || step->depth < 1) {
        return PLAN_BAD_GEOMETRY;
    }
    struct rows_view view;
    if (!bind_rows(execution, step->input, step->output, step->rows, step->depth, 4, &view)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const float *input = view.input;
    float *output = view.output;
    for (int32_t row = 0; row < step->rows; row++) {
        float sum = 0.0f;
        for (int32_t i = 0; i < step->depth; i++) {
            sum += input[i] * input[i];
        }
        float length = square_root(sum);
        length = length < 1e-6f ? 1e-6f : length;
        for (int32_t i = 0; i < step->depth; i++) {
            output[i] = input[i] / length;
        }
        input += step->depth;
        output += step->depth;
    }
    return PLAN_OK;
}
