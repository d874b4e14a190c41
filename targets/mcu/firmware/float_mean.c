/* MEAN and SUM of float32 tensors over any axes. */
#include "geometry.h"
#include "kernels.h"
#include "memory.h"
#include "steps_reduction.h"

enum plan_status run_mean_float(const struct execution *execution, const void *raw) {
    const struct mean_float_step *step = raw;
    const int32_t *shape = step->shape;
    const int32_t *stride = step->stride;
    int32_t lowest;
    int32_t highest;
    if (!stride_reach(shape, stride, PLAN_RANK, &lowest, &highest) || lowest < 0 ||
        (uint32_t)highest >= step->output_elements) {
        return PLAN_BAD_GEOMETRY;
    }
    const float *input =
        plan_read(execution, step->input, saturating_product(shape_elements(shape, PLAN_RANK), 4), 4);
    float *output = plan_write(execution, step->output, saturating_product(step->output_elements, 4), 4);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    memset(output, 0, step->output_elements * 4);
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                float *sum = output + i * stride[0] + j * stride[1] + k * stride[2];
                for (int32_t l = 0; l < shape[3]; l++) {
                    for (int32_t m = 0; m < shape[4]; m++) {
                        sum[l * stride[3] + m * stride[4]] += *input++;
                    }
                }
            }
        }
    }
    for (uint32_t i = 0; i < step->output_elements; i++) {
        output[i] /= step->divisor;
    }
    return PLAN_OK;
}
