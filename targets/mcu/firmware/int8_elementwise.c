/* ADD, SUB, SQUARED_DIFFERENCE, MUL, MINIMUM, MAXIMUM and PRELU of int8 tensors, with broadcasting. */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_elementwise.h"

/* Both inputs are brought to a common scale with some bits of headroom, added, and brought to the output's scale. Of a
 * difference that is squared, half the bits of an int32 are left to the product. */
#define ADD_HEADROOM 20
#define SQUARE_HEADROOM 7

static inline int32_t scale_down(int32_t value, int32_t multiplier, int32_t shift) {
    return rounding_shift_right(rounding_high_product(value, multiplier), -shift);
}

/* The innermost row of a broadcast: strides are in elements, the output is contiguous. */
typedef void row_function(const void *step, const int8_t *input1, int32_t stride1, const int8_t *input2,
                          int32_t stride2, int8_t *output, int32_t count);

static void add_row(const void *raw, const int8_t *input1, int32_t stride1, const int8_t *input2, int32_t stride2,
                    int8_t *output, int32_t count) {
    const struct add_step *step = raw;
    int32_t sign = step->operation == ADD_SUBTRACT ? -1 : 1;
    for (int32_t i = 0; i < count; i++) {
        int32_t value1 = (*input1 + step->offset1) * (1 << ADD_HEADROOM);
        int32_t value2 = (*input2 + step->offset2) * (1 << ADD_HEADROOM);
        int32_t sum = scale_down(value1, step->multiplier1, step->shift1) +
                      sign * scale_down(value2, step->multiplier2, step->shift2);
        int32_t scaled = scale_down(sum, step->multiplier, step->shift);
        output[i] = (int8_t)clamp(scaled + step->output_zero_point, step->minimum, step->maximum);
        input1 += stride1;
        input2 += stride2;
    }
}

static void squared_difference_row(const void *raw, const int8_t *input1, int32_t stride1, const int8_t *input2,
                                   int32_t stride2, int8_t *output, int32_t count) {
    const struct add_step *step = raw;
    for (int32_t i = 0; i < count; i++) {
        int32_t value1 = (*input1 + step->offset1) * (1 << SQUARE_HEADROOM);
        int32_t value2 = (*input2 + step->offset2) * (1 << SQUARE_HEADROOM);
        /* Each term is below 2^15 in magnitude; only a forged plan has them so far apart that the square wraps. */
        int32_t difference = scale_down(value1, step->multiplier1, step->shift1) -
                             scale_down(value2, step->multiplier2, step->shift2);
        int32_t square = (int32_t)((uint32_t)difference * (uint32_t)difference);
        int32_t scaled = scale_down(square, step->multiplier, step->shift);
        output[i] = (int8_t)clamp(scaled + step->output_zero_point, step->minimum, step->maximum);
        input1 += stride1;
        input2 += stride2;
    }
}

static void multiply_row(const void *raw, const int8_t *input1, int32_t stride1, const int8_t *input2,
                         int32_t stride2, int8_t *output, int32_t count) {
    const struct multiply_step *step = raw;
    for (int32_t i = 0; i < count; i++) {
        int32_t product = (*input1 + step->offset1) * (*input2 + step->offset2);
        int32_t scaled = requantize(product, step->multiplier, step->shift) + step->output_zero_point;
        output[i] = (int8_t)clamp(scaled, step->minimum, step->maximum);
        input1 += stride1;
        input2 += stride2;
    }
}

static void extreme_row(const void *raw, const int8_t *input1, int32_t stride1, const int8_t *input2, int32_t stride2,
                        int8_t *output, int32_t count) {
    const struct extreme_step *step = raw;
    for (int32_t i = 0; i < count; i++) {
        output[i] = (step->maximum ? *input1 > *input2 : *input1 < *input2) ? *input1 : *input2;
        input1 += stride1;
        input2 += stride2;
    }
}

static void prelu_row(const void *raw, const int8_t *input1, int32_t stride1, const int8_t *input2, int32_t stride2,
                      int8_t *output, int32_t count) {
    const struct prelu_step *step = raw;
    for (int32_t i = 0; i < count; i++) {
        int32_t value = *input1 + step->offset1;
        int32_t scaled = value >= 0 ? requantize(value, step->positive_multiplier, step->positive_shift)
                                    : requantize(value * (*input2 + step->offset2), step->multiplier, step->shift);
        output[i] = (int8_t)clamp(scaled + step->output_zero_point, INT8_MIN, INT8_MAX);
        input1 += stride1;
        input2 += stride2;
    }
}

static enum plan_status for_each_row(const struct execution *execution, const struct plan_broadcast *broadcast,
                                     uint32_t reference1, uint32_t reference2, uint32_t output_reference,
                                     row_function *row, const void *step) {
    if (!broadcast_valid(broadcast)) {
        return PLAN_BAD_GEOMETRY;
    }
    const int8_t *input1 = plan_read(execution, reference1, broadcast->elements1, 1);
    const int8_t *input2 = plan_read(execution, reference2, broadcast->elements2, 1);
    int8_t *output = plan_write(execution, output_reference, shape_elements(broadcast->shape, PLAN_RANK), 1);
    if (input1 == NULL || input2 == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const int32_t *shape = broadcast->shape;
    const int32_t *stride1 = broadcast->stride1;
    const int32_t *stride2 = broadcast->stride2;
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                const int8_t *row1 = input1 + i * stride1[0] + j * stride1[1] + k * stride1[2];
                const int8_t *row2 = input2 + i * stride2[0] + j * stride2[1] + k * stride2[2];
                for (int32_t l = 0; l < shape[3]; l++) {
                    row(step, row1 + l * stride1[3], stride1[4], row2 + l * stride2[3], stride2[4], output,
                        shape[4]);
                    output += shape[4];
                }
            }
        }
    }
    return PLAN_OK;
}

static bool offset_valid(int32_t offset) {
    return offset >= -127 && offset <= 128;
}

static bool right_shift_valid(int32_t multiplier, int32_t shift) {
    return multiplier >= 0 && shift >= -31 && shift <= 0;
}

enum plan_status run_add_int8(const struct execution *execution, const void *raw) {
    const struct add_step *step = raw;
    if (!offset_valid(step->offset1) || !offset_valid(step->offset2) ||
        !right_shift_valid(step->multiplier1, step->shift1) || !right_shift_valid(step->multiplier2, step->shift2) ||
        !right_shift_valid(step->multiplier, step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    row_function *row = step->operation == ADD_SQUARED_DIFFERENCE ? squared_difference_row : add_row;
    return for_each_row(execution, &step->broadcast, step->input1, step->input2, step->output, row, step);
}

enum plan_status run_multiply_int8(const struct execution *execution, const void *raw) {
    const struct multiply_step *step = raw;
    if (!offset_valid(step->offset1) || !offset_valid(step->offset2) || step->multiplier < 0 ||
        !shift_valid(step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    return for_each_row(execution, &step->broadcast, step->input1, step->input2, step->output, multiply_row, step);
}

enum plan_status run_extreme_int8(const struct execution *execution, const void *raw) {
    const struct extreme_step *step = raw;
    return for_each_row(execution, &step->broadcast, step->input1, step->input2, step->output, extreme_row, step);
}

enum plan_status run_prelu_int8(const struct execution *execution, const void *raw) {
    const struct prelu_step *step = raw;
    if (!offset_valid(step->offset1) || !offset_valid(step->offset2) || step->positive_multiplier < 0 ||
        step->multiplier < 0 || !shift_valid(step->positive_shift) || !shift_valid(step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    return for_each_row(execution, &step->broadcast, step->input1, step->input2, step->output, prelu_row, step);
}
