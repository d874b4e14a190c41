/* Integers of one scale as those of another: QUANTIZE between integers, and the piecewise linear functions of int16. */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_elementwise.h"

static uint32_t integer_bytes(int32_t type) {
    return type == CAST_INT8 ? 1 : type == CAST_INT16 ? 2 : 4;
}

static bool is_integer(int32_t type) {
    return type == CAST_INT8 || type == CAST_INT16 || type == CAST_INT32;
}

static int32_t value_at(const uint8_t *place, int32_t type) {
    switch (type) {
    case CAST_INT8:
        return (int8_t)*place;
    case CAST_INT16:
        return *(const int16_t *)(const void *)place;
    default:
        return *(const int32_t *)(const void *)place;
    }
}

static void store(uint8_t *place, int32_t type, int32_t value) {
    switch (type) {
    case CAST_INT8:
        *(int8_t *)place = (int8_t)value;
        break;
    case CAST_INT16:
        *(int16_t *)(void *)place = (int16_t)value;
        break;
    default:
        *(int32_t *)(void *)place = value;
    }
}

enum plan_status run_rescale(const struct execution *execution, const void *raw) {
    const struct rescale_step *step = raw;
    if (!is_integer(step->from) || !is_integer(step->to) || step->multiplier < 0 || !shift_valid(step->shift) ||
        step->negative_multiplier < 0 || !shift_valid(step->negative_shift) || step->below < 0 ||
        step->below >= RESCALE_BELOW_END) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t from_bytes = integer_bytes(step->from);
    uint32_t to_bytes = integer_bytes(step->to);
    const uint8_t *input =
        plan_read(execution, step->input, saturating_product(step->elements, from_bytes), from_bytes);
    uint8_t *output = plan_write(execution, step->output, saturating_product(step->elements, to_bytes), to_bytes);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        int32_t value = (int32_t)((uint32_t)value_at(input, step->from) - (uint32_t)step->input_zero_point);
        uint32_t scaled;
        if (value >= 0) {
            scaled = (uint32_t)requantize_any(value, step->multiplier, step->shift);
        } else {
            value = step->below == BELOW_NEGATED_SCALED ? (int32_t)(0u - (uint32_t)value) : value;
            scaled = (uint32_t)requantize_any(value, step->negative_multiplier, step->negative_shift);
            scaled = step->below == BELOW_SCALED_NEGATED ? 0u - scaled : scaled;
        }
        int32_t shifted = (int32_t)(scaled + (uint32_t)step->output_zero_point);
        store(output, step->to, clamp(shifted, step->minimum, step->maximum));
        input += from_bytes;
        output += to_bytes;
    }
    return PLAN_OK;
}
