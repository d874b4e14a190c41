/* LOGISTIC and TANH of int16 tensors. */
#include "geometry.h"
#include "kernels.h"
#include "sigmoid_curve.h"
#include "steps_elementwise.h"

enum plan_status run_curve_int16(const struct execution *execution, const void *raw) {
    const struct curve_int16_step *step = raw;
    if (step->curve < 0 || step->curve >= CURVE_END || step->multiplier < 0 || step->multiplier > INT16_MAX ||
        step->shift < 0 || step->shift > 31) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t bytes = saturating_product(step->elements, 2);
    const int16_t *input = plan_read(execution, step->input, bytes, 2);
    int16_t *output = plan_write(execution, step->output, bytes, 2);
    const uint16_t *table = plan_read(execution, step->table, 256 * 2, 2);
    if (input == NULL || output == NULL || table == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    /* 2^15 * 2^15 and half of 2^31 wrap in int32, as in the reference. */
    uint32_t rounding = step->shift > 0 ? 1u << (step->shift - 1) : 0;
    for (uint32_t i = 0; i < step->elements; i++) {
        int32_t scaled = (int32_t)((uint32_t)(input[i] * step->multiplier) + rounding) >> step->shift;
        output[i] = (int16_t)(step->curve == CURVE_TANH ? tanh16(table, scaled) : sigmoid16(table, scaled));
    }
    return PLAN_OK;
}
