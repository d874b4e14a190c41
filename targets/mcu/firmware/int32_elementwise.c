/* ADD, SUB, MUL, SQUARED_DIFFERENCE, MINIMUM and MAXIMUM of int32 tensors, with broadcasting. */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_elementwise.h"

static int32_t combine_int32(int32_t operation, int32_t a, int32_t b) {
    uint32_t difference = (uint32_t)a - (uint32_t)b;
    switch (operation) {
    case INTEGER_ADD:
        return (int32_t)((uint32_t)a + (uint32_t)b);
    case INTEGER_SUBTRACT:
        return (int32_t)difference;
    case INTEGER_MULTIPLY:
        return (int32_t)((uint32_t)a * (uint32_t)b);
    case INTEGER_SQUARED_DIFFERENCE:
        return (int32_t)(difference * difference);
    case INTEGER_MINIMUM:
        return a < b ? a : b;
    default:
        return a > b ? a : b;
    }
}

enum plan_status run_elementwise_int32(const struct execution *execution, const void *raw) {
    const struct elementwise_int32_step *step = raw;
    const struct plan_broadcast *broadcast = &step->broadcast;
    if (!broadcast_valid(broadcast) || step->operation < 0 || step->operation >= INTEGER_OPERATION_END) {
        return PLAN_BAD_GEOMETRY;
    }
    const int32_t *shape = broadcast->shape;
    const int32_t *stride1 = broadcast->stride1;
    const int32_t *stride2 = broadcast->stride2;
    const int32_t *input1 = plan_read(execution, step->input1, saturating_product(broadcast->elements1, 4), 4);
    const int32_t *input2 = plan_read(execution, step->input2, saturating_product(broadcast->elements2, 4), 4);
    int32_t *output =
        plan_write(execution, step->output, saturating_product(shape_elements(shape, PLAN_RANK), 4), 4);
    if (input1 == NULL || input2 == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                for (int32_t l = 0; l < shape[3]; l++) {
                    int32_t place1 = i * stride1[0] + j * stride1[1] + k * stride1[2] + l * stride1[3];
                    int32_t place2 = i * stride2[0] + j * stride2[1] + k * stride2[2] + l * stride2[3];
                    for (int32_t m = 0; m < shape[4]; m++) {
                        int32_t value = combine_int32(step->operation, input1[place1], input2[place2]);
                        *output++ = clamp(value, step->minimum, step->maximum);
                        place1 += stride1[4];
                        place2 += stride2[4];
                    }
                }
            }
        }
    }
    return PLAN_OK;
}
