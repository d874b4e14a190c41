/* MEAN and SUM of int16 tensors over any axes, as int8_mean.c. */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"
#include "memory.h"
#include "steps_reduction.h"

enum plan_status run_mean_int16(const struct execution *execution, const void *raw) {
    const struct mean_step *step = raw;
    const int32_t *shape = step->shape;
    const int32_t *stride = step->stride;
    int32_t lowest;
    int32_t highest;
    if (!stride_reach(shape, stride, PLAN_RANK, &lowest, &highest) || lowest < 0 ||
        (uint32_t)highest >= step->output_elements || step->multiplier < 0 || !shift_valid(step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    const int16_t *input = plan_read(execution, step->input, saturating_product(shape_elements(shape, PLAN_RANK), 2), 2);
    int16_t *output = plan_write(execution, step->output, saturating_product(step->output_elements, 2), 2);
    int32_t *sums = plan_write(execution, step->scratch, saturating_product(step->output_elements, 4), 4);
    if (input == NULL || output == NULL || sums == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    memset(sums, 0, step->output_elements * 4);
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                int32_t *sum = sums + i * stride[0] + j * stride[1] + k * stride[2];
                for (int32_t l = 0; l < shape[3]; l++) {
                    int32_t *inner = sum + l * stride[3];
                    for (int32_t m = 0; m < shape[4]; m++) {
                        *inner = (int32_t)((uint32_t)*inner + (uint32_t)*input++);
                        inner += stride[4];
                    }
                }
            }
        }
    }
    for (uint32_t i = 0; i < step->output_elements; i++) {
        int32_t scaled = requantize((int32_t)((uint32_t)sums[i] + (uint32_t)step->bias), step->multiplier, step->shift);
        int32_t shifted = (int32_t)((uint32_t)scaled + (uint32_t)step->output_zero_point);
        output[i] = (int16_t)clamp(shifted, INT16_MIN, INT16_MAX);
    }
    return PLAN_OK;
}
