/* CAST between the number types that Micro casts. */
#include "geometry.h"
#include "kernels.h"
#include "steps_elementwise.h"

static const uint8_t element_bytes[CAST_TYPE_END] = {[CAST_INT8] = 1, [CAST_INT16] = 2, [CAST_INT32] = 4,
                                                     [CAST_FLOAT] = 4, [CAST_BOOL] = 1};

static int32_t whole_value(const uint8_t *place, int32_t type) {
    switch (type) {
    case CAST_INT8:
        return (int8_t)*place;
    case CAST_INT16:
        return *(const int16_t *)(const void *)place;
    case CAST_BOOL:
        return *place != 0;
    default:
        return *(const int32_t *)(const void *)place;
    }
}

/* Towards zero; what an int32 cannot hold becomes its lowest value. */
static int32_t truncate(float value) {
    return value >= -2147483648.0f && value < 2147483648.0f ? (int32_t)value : INT32_MIN;
}

enum plan_status run_cast(const struct execution *execution, const void *raw) {
    const struct cast_step *step = raw;
    if (step->from < 0 || step->from >= CAST_TYPE_END || step->to < 0 || step->to >= CAST_TYPE_END) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t from_bytes = element_bytes[step->from];
    uint32_t to_bytes = element_bytes[step->to];
    const uint8_t *input =
        plan_read(execution, step->input, saturating_product(step->elements, from_bytes), from_bytes);
    uint8_t *output = plan_write(execution, step->output, saturating_product(step->elements, to_bytes), to_bytes);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        float real = step->from == CAST_FLOAT ? *(const float *)(const void *)input : 0.0f;
        int32_t whole = step->from == CAST_FLOAT ? truncate(real) : whole_value(input, step->from);
        switch (step->to) {
        case CAST_FLOAT:
            *(float *)(void *)output = step->from == CAST_FLOAT ? real : (float)whole;
            break;
        case CAST_INT32:
            *(int32_t *)(void *)output = whole;
            break;
        case CAST_INT16:
            *(int16_t *)(void *)output = (int16_t)whole;
            break;
        default:
            *(int8_t *)output = (int8_t)whole;
        }
        input += from_bytes;
        output += to_bytes;
    }
    return PLAN_OK;
}
