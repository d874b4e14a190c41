/* ADD, SUB, SQUARED_DIFFERENCE, MUL, MINIMUM, MAXIMUM and PRELU of int16 tensors, with broadcasting. */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_elementwise.h"

/* As in int8_elementwise.c; what is squared has no bits to spare. */
#define ADD_HEADROOM 15

static int32_t scale_down_int16(int32_t value, int32_t multiplier, int32_t shift) {
    return rounding_shift_right(rounding_high_product(value, multiplier), -shift);
}

typedef int32_t pair_function(const void *step, int32_t value1, int32_t value2);

static int32_t add_pair(const void *raw, int32_t value1, int32_t value2) {
    const struct add_step *step = raw;
    int32_t scaled1 = scale_down_int16((value1 + step->offset1) * (1 << ADD_HEADROOM), step->multiplier1, step->shift1);
    int32_t scaled2 = scale_down_int16((value2 + step->offset2) * (1 << ADD_HEADROOM), step->multiplier2, step->shift2);
    uint32_t second = step->operation == ADD_SUBTRACT ? 0u - (uint32_t)scaled2 : (uint32_t)scaled2;
    int32_t scaled = scale_down_int16((int32_t)((uint32_t)scaled1 + second), step->multiplier, step->shift);
    return clamp((int32_t)((uint32_t)scaled + (uint32_t)step->output_zero_point), step->minimum, step->maximum);
}

static int32_t squared_difference_pair(const void *raw, int32_t value1, int32_t value2) {
    const struct add_step *step = raw;
    int32_t difference = scale_down_int16(value1, step->multiplier1, step->shift1) -
                         scale_down_int16(value2, step->multiplier2, step->shift2);
    /* Only the square of what lies as far apart as it can, and in a forged plan, wraps. */
    int32_t square = (int32_t)((uint32_t)difference * (uint32_t)difference);
    return clamp(requantize_any(square, step->multiplier, step->shift), step->minimum, step->maximum);
}

static int32_t multiply_pair(const void *raw, int32_t value1, int32_t value2) {
    const struct multiply_step *step = raw;
    return clamp(requantize_any(value1 * value2, step->multiplier, step->shift), step->minimum, step->maximum);
}

static int32_t extreme_pair(const void *raw, int32_t value1, int32_t value2) {
    const struct extreme_step *step = raw;
    return (step->maximum ? value1 > value2 : value1 < value2) ? value1 : value2;
}

static int32_t prelu_pair(const void *raw, int32_t value, int32_t slope) {
    const struct prelu_step *step = raw;
    int32_t scaled = value >= 0 ? requantize_any(value, step->positive_multiplier, step->positive_shift)
                                : requantize_any(value * (slope + step->offset2), step->multiplier, step->shift);
    return clamp(scaled, INT16_MIN, INT16_MAX);
}

/* `slopes` are int8 where the second input has them, else NULL. */
struct inputs {
    const int16_t *first;
    const int16_t *second;
    const int8_t *slopes;
};

static void for_each_pair(const struct plan_broadcast *broadcast, const struct inputs *inputs, int16_t *output,
                          pair_function *combine, const void *step) {
    const int32_t *shape = broadcast->shape;
    const int32_t *stride1 = broadcast->stride1;
    const int32_t *stride2 = broadcast->stride2;
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                for (int32_t l = 0; l < shape[3]; l++) {
                    int32_t place1 = i * stride1[0] + j * stride1[1] + k * stride1[2] + l * stride1[3];
                    int32_t place2 = i * stride2[0] + j * stride2[1] + k * stride2[2] + l * stride2[3];
                    for (int32_t m = 0; m < shape[4]; m++) {
                        int32_t value2 = inputs->slopes != NULL ? inputs->slopes[place2] : inputs->second[place2];
                        *output++ = (int16_t)combine(step, inputs->first[place1], value2);
                        place1 += stride1[4];
                        place2 += stride2[4];
                    }
                }
            }
        }
    }
}

static enum plan_status run_pairs(const struct execution *execution, const struct plan_broadcast *broadcast,
                                  uint32_t input1, uint32_t input2, uint32_t output_reference, bool has_slopes,
                                  pair_function *combine, const void *step) {
    if (!broadcast_valid(broadcast)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t item2 = has_slopes ? 1 : 2;
    uint32_t elements = shape_elements(broadcast->shape, PLAN_RANK);
    const void *first = plan_read(execution, input1, saturating_product(broadcast->elements1, 2), 2);
    const void *second = plan_read(execution, input2, saturating_product(broadcast->elements2, item2), item2);
    int16_t *output = plan_write(execution, output_reference, saturating_product(elements, 2), 2);
    if (first == NULL || second == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const struct inputs inputs = {first, has_slopes ? NULL : second, has_slopes ? second : NULL};
    for_each_pair(broadcast, &inputs, output, combine, step);
    return PLAN_OK;
}

static bool int16_offset_valid(int32_t offset) {
    return offset >= -INT16_MAX && offset <= INT16_MAX;
}

static bool int16_right_shift_valid(int32_t multiplier, int32_t shift) {
    return multiplier >= 0 && shift >= -31 && shift <= 0;
}

static bool rescaling_valid(int32_t multiplier, int32_t shift) {
    return multiplier >= 0 && shift_valid(shift);
}

enum plan_status run_add_int16(const struct execution *execution, const void *raw) {
    const struct add_step *step = raw;
    if (!int16_offset_valid(step->offset1) || !int16_offset_valid(step->offset2) ||
        !int16_right_shift_valid(step->multiplier1, step->shift1) || !int16_right_shift_valid(step->multiplier2, step->shift2) ||
        !rescaling_valid(step->multiplier, step->shift) ||
        (step->operation != ADD_SQUARED_DIFFERENCE && step->shift > 0)) {
        return PLAN_BAD_GEOMETRY;
    }
    pair_function *combine = step->operation == ADD_SQUARED_DIFFERENCE ? squared_difference_pair : add_pair;
    return run_pairs(execution, &step->broadcast, step->input1, step->input2, step->output, false, combine,
                     step);
}

enum plan_status run_multiply_int16(const struct execution *execution, const void *raw) {
    const struct multiply_step *step = raw;
    if (!rescaling_valid(step->multiplier, step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    return run_pairs(execution, &step->broadcast, step->input1, step->input2, step->output, false, multiply_pair,
                     step);
}

enum plan_status run_extreme_int16(const struct execution *execution, const void *raw) {
    const struct extreme_step *step = raw;
    return run_pairs(execution, &step->broadcast, step->input1, step->input2, step->output, false, extreme_pair,
                     step);
}

enum plan_status run_prelu_int16(const struct execution *execution, const void *raw) {
    const struct prelu_step *step = raw;
    if (step->offset2 < -127 || step->offset2 > 128 ||
        !rescaling_valid(step->positive_multiplier, step->positive_shift) ||
        !rescaling_valid(step->multiplier, step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    return run_pairs(execution, &step->broadcast, step->input1, step->input2, step->output, true, prelu_pair,
                     step);
}
