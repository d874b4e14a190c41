/* SOFTMAX of int16 tensors: exponentials and the reciprocal of their sum by tables with linear interpolation. */
#include "fixed_point.h"
#include "kernels.h"
#include "rows_view.h"
#include "steps_reduction.h"

#define TABLE_VALUES 513 /* one each 128 values, and the last one's neighbour */

static int32_t interpolate(const int16_t *table, int32_t value) {
    int32_t index = 256 + (value >> 7);
    int32_t slope = (int16_t)(table[index + 1] - table[index]);
    return (int16_t)(table[index] + ((slope * (value & 0x7f) + 64) >> 7));
}

struct tables {
    const int16_t *exponentials; /* of -10 to 0 */
    const int16_t *reciprocals;  /* 1 / (1 + x) of 0 to 1 */
};

static bool softmax_row_int16(const struct softmax_int16_step *step, const struct tables *tables, const int16_t *input,
                        int16_t *output) {
    int32_t largest = INT16_MIN;
    for (int32_t i = 0; i < step->depth; i++) {
        largest = input[i] > largest ? input[i] : largest;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < step->depth; i++) {
        int32_t scaled = requantize_any(input[i] - largest, step->multiplier, step->shift);
        int32_t centred = clamp((int32_t)((uint32_t)scaled + INT16_MAX), INT16_MIN, INT16_MAX);
        output[i] = (int16_t)interpolate(tables->exponentials, centred);
        sum += output[i];
    }
    if (sum < 2) {
        return false; /* the exponential of the largest alone is more, unless the plan was forged */
    }
    int32_t leading_zeros = __builtin_clz((uint32_t)sum);
    int32_t shifted = (int32_t)((((int64_t)sum << (leading_zeros - 1)) + (1 << 13)) >> 14);
    int32_t centred = clamp(shifted - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX);
    int32_t reciprocal = interpolate(tables->reciprocals, centred);
    int32_t right = 31 - leading_zeros;
    for (int32_t i = 0; i < step->depth; i++) {
        int32_t result = (int32_t)(((int64_t)output[i] * reciprocal + (1 << (right - 1))) >> right);
        output[i] = (int16_t)clamp(result, 0, INT16_MAX);
    }
    return true;
}

enum plan_status run_softmax_int16(const struct execution *execution, const void *raw) {
    const struct softmax_int16_step *step = raw;
    if (step->rows < 1 || !dimensions_valid(&step->depth, 1) || step->multiplier < 0 || !shift_valid(step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    const struct tables tables = {
        plan_read(execution, step->exponentials, TABLE_VALUES * 2, 2),
        plan_read(execution, step->reciprocals, TABLE_VALUES * 2, 2),
    };
    struct rows_view view;
    if (tables.exponentials == NULL || tables.reciprocals == NULL ||
        !bind_rows(execution, step->input, step->output, step->rows, step->depth, 2, &view)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const int16_t *input = view.input;
    int16_t *output = view.output;
    for (int32_t row = 0; row < step->rows; row++) {
        if (!softmax_row_int16(step, &tables, input, output)) {
            return PLAN_BAD_GEOMETRY;
        }
        input += step->depth;
        output += step->depth;
    }
    return PLAN_OK;
}
