/* REDUCE_MAX and REDUCE_MIN. The input is walked in its own order; strides say which result each element belongs to. */
#include "geometry.h"
#include "kernels.h"
#include "memory.h"
#include "steps_reduction.h"

static bool walk_valid(const struct reduce_extreme_step *step) {
    int32_t lowest;
    int32_t highest;
    return stride_reach(step->shape, step->stride, PLAN_RANK, &lowest, &highest) && lowest >= 0 &&
           (uint32_t)highest < step->output_elements;
}

enum plan_status run_reduce_extreme_int8(const struct execution *execution, const void *raw) {
    const struct reduce_extreme_step *step = raw;
    const int32_t *shape = step->shape;
    const int32_t *stride = step->stride;
    if (!walk_valid(step)) {
        return PLAN_BAD_GEOMETRY;
    }
    const int8_t *input = plan_read(execution, step->input, shape_elements(shape, PLAN_RANK), 1);
    int8_t *output = plan_write(execution, step->output, step->output_elements, 1);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    memset(output, step->maximum ? INT8_MIN : INT8_MAX, step->output_elements);
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                int8_t *best = output + i * stride[0] + j * stride[1] + k * stride[2];
                for (int32_t l = 0; l < shape[3]; l++) {
                    for (int32_t m = 0; m < shape[4]; m++) {
                        int8_t *known = best + l * stride[3] + m * stride[4];
                        int8_t value = *input++;
                        *known = (step->maximum ? value > *known : value < *known) ? value : *known;
                    }
                }
            }
        }
    }
    return PLAN_OK;
}

enum plan_status run_reduce_extreme_float(const struct execution *execution, const void *raw) {
    const struct reduce_extreme_step *step = raw;
    const int32_t *shape = step->shape;
    const int32_t *stride = step->stride;
    if (!walk_valid(step)) {
        return PLAN_BAD_GEOMETRY;
    }
    const float *input =
        plan_read(execution, step->input, saturating_product(shape_elements(shape, PLAN_RANK), 4), 4);
    float *output = plan_write(execution, step->output, saturating_product(step->output_elements, 4), 4);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->output_elements; i++) {
        output[i] = step->maximum ? -__FLT_MAX__ : __FLT_MAX__;
    }
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                float *best = output + i * stride[0] + j * stride[1] + k * stride[2];
                for (int32_t l = 0; l < shape[3]; l++) {
                    for (int32_t m = 0; m < shape[4]; m++) {
                        float *known = best + l * stride[3] + m * stride[4];
                        float value = *input++;
                        *known = (step->maximum ? value > *known : value < *known) ? value : *known;
                    }
                }
            }
        }
    }
    return PLAN_OK;
}
