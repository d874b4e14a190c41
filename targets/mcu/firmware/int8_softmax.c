/* SOFTMAX of int8 tensors, to int8 or int16, in gemmlowp's fixed point; exponentials come from the planner's table. */
#include "fixed_point.h"
#include "kernels.h"
#include "reciprocal.h"
#include "rows_view.h"
#include "steps_reduction.h"

#define ACCUMULATOR_INTEGER_BITS 12

struct normalisation {
    int32_t largest;
    int32_t scale;
    int32_t exponent; /* of a result with as many bits as an int32 */
};

static struct normalisation normalise(const int32_t *table, const int8_t *input, int32_t depth) {
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
    return (struct normalisation){largest, scale, ACCUMULATOR_INTEGER_BITS - leading_zeros + 31};
}

static bool softmax_row(const int32_t *table, const int8_t *input, int8_t *output, int32_t depth) {
    struct normalisation row = normalise(table, input, depth);
    int32_t exponent = row.exponent - 8;
    if (exponent < 0 || exponent > 31) {
        return false; /* Micro aborts here: more than 512 classes at the maximum */
    }
    for (int32_t i = 0; i < depth; i++) {
        int32_t product = rounding_high_product(row.scale, table[row.largest - input[i]]);
        output[i] = (int8_t)clamp(rounding_shift_right(product, exponent) + INT8_MIN, INT8_MIN, INT8_MAX);
    }
    return true;
}

static bool fine_softmax_row(const int32_t *table, const int8_t *input, int16_t *output, int32_t depth) {
    struct normalisation row = normalise(table, input, depth);
    int32_t exponent = row.exponent - 16;
    if (exponent < 0 || exponent > 31) {
        return false;
    }
    for (int32_t i = 0; i < depth; i++) {
        int32_t product = rounding_high_product(row.scale, table[row.largest - input[i]]);
        output[i] = (int16_t)clamp(rounding_shift_right(product, exponent) + INT16_MIN, INT16_MIN, INT16_MAX);
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

enum plan_status run_softmax_int8_int16(const struct execution *execution, const void *raw) {
    const struct softmax_int8_step *step = raw;
    if (step->rows < 1 || !dimensions_valid(&step->depth, 1)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t elements = saturating_product((uint32_t)step->rows, (uint32_t)step->depth);
    const int32_t *table = plan_read(execution, step->table, 256 * 4, 4);
    const int8_t *input = plan_read(execution, step->input, elements, 1);
    int16_t *output = plan_write(execution, step->output, saturating_product(elements, 2), 2);
    if (table == NULL || input == NULL || output == NULL ||
        !are_apart(step->input, elements, step->output, 2 * elements)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t row = 0; row < step->rows; row++) {
        if (!fine_softmax_row(table, input, output, step->depth)) {
            return PLAN_BAD_GEOMETRY;
        }
        input += step->depth;
        output += step->depth;
    }
    return PLAN_OK;
}
