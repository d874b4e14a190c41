/* MEAN of int8 tensors over any axes: int32 sums first, then one requantisation each. */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"
#include "memory.h"
#include "steps_reduction.h"

enum plan_status run_mean_int8(const struct execution *execution, const void *raw) {
    const struct mean_step *step = raw;
    const int32_t *shape = step->shape;
    const int32_t *stride = step->stride;
    int32_t lowest;
    int32_t highest;
    if (!stride_reach(shape, stride, PLAN_RANK, &lowest, &highest) || lowest < 0 ||
        (uint32_t)highest >= step->output_elements || step->multiplier < 0 || !shift_valid(step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    const int8_t *input = plan_read(execution, step->input, shape_elements(shape, PLAN_RANK), 1);
    int8_t *output = plan_write(execution, step->output, step->output_elements, 1);
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
                        *inner += *input++;
                        inner += stride[4];
                    }
                }
            }
        }
    }
    for (uint32_t i = 0; i < step->output_elements; i++) {
        int32_t scaled = requantize((int32_t)((uint32_t)sums[i] + (uint32_t)step->bias), step->multiplier,
                                    step->shift) + step->output_zero_point;
        output[i] = (int8_t)clamp(scaled, INT8_MIN, INT8_MAX);
    }
    return PLAN_OK;
}
