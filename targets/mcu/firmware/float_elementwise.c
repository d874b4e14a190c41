/* Float32: the operators of two inputs and the functions of one value. */
#include "float_math.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_elementwise.h"

static float combine(int32_t operation, float a, float b) {
    float difference = a - b;
    switch (operation) {
    case BINARY_ADD:
        return a + b;
    case BINARY_SUBTRACT:
        return difference;
    case BINARY_MULTIPLY:
        return a * b;
    case BINARY_SQUARED_DIFFERENCE:
        return difference * difference;
    case BINARY_DIVIDE:
        return a / b;
    case BINARY_MINIMUM:
        return a < b ? a : b;
    case BINARY_MAXIMUM:
        return a > b ? a : b;
    case BINARY_PRELU:
        return a >= 0.0f ? a : a * b;
    default:
        return round_down(a / b);
    }
}

enum plan_status run_elementwise_float(const struct execution *execution, const void *raw) {
    const struct elementwise_float_step *step = raw;
    const struct plan_broadcast *broadcast = &step->broadcast;
    if (!broadcast_valid(broadcast) || step->operation < BINARY_ADD || step->operation >= BINARY_OPERATION_END) {
        return PLAN_BAD_GEOMETRY;
    }
    const int32_t *shape = broadcast->shape;
    const int32_t *stride1 = broadcast->stride1;
    const int32_t *stride2 = broadcast->stride2;
    const float *input1 = plan_read(execution, step->input1, saturating_product(broadcast->elements1, 4), 4);
    const float *input2 = plan_read(execution, step->input2, saturating_product(broadcast->elements2, 4), 4);
    float *output =
        plan_write(execution, step->output, saturating_product(shape_elements(shape, PLAN_RANK), 4), 4);
    if (input1 == NULL || input2 == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                const float *row1 = input1 + i * stride1[0] + j * stride1[1] + k * stride1[2];
                const float *row2 = input2 + i * stride2[0] + j * stride2[1] + k * stride2[2];
                for (int32_t l = 0; l < shape[3]; l++) {
                    const float *value1 = row1 + l * stride1[3];
                    const float *value2 = row2 + l * stride2[3];
                    for (int32_t m = 0; m < shape[4]; m++) {
                        *output++ = clamp_float(combine(step->operation, *value1, *value2), step->minimum,
                                                step->maximum);
                        value1 += stride1[4];
                        value2 += stride2[4];
                    }
                }
            }
        }
    }
    return PLAN_OK;
}

static float apply(const struct unary_float_step *step, float x) {
    switch (step->operation) {
    case UNARY_LOGISTIC:
        return logistic(x);
    case UNARY_TANH:
        return hyperbolic_tangent(x);
    case UNARY_CLAMP:
        return clamp_float(x, step->first, step->second);
    case UNARY_NEGATE:
        return -x;
    case UNARY_ABSOLUTE:
        return __builtin_fabsf(x);
    case UNARY_INVERSE_SQUARE_ROOT:
        return 1.0f / square_root(x);
    case UNARY_HARD_SWISH:
        return x * clamp_float(x + 3.0f, 0.0f, 6.0f) / 6.0f;
    case UNARY_ELU:
        return x < 0.0f ? exponential(x) - 1.0f : x;
    case UNARY_EXPONENTIAL:
        return exponential(x);
    case UNARY_SQUARE_ROOT:
        return square_root(x);
    case UNARY_SQUARE:
        return x * x;
    case UNARY_FLOOR:
        return round_down(x);
    case UNARY_CEILING:
        return -round_down(-x);
    case UNARY_ROUND:
        return round_half_even(x);
    case UNARY_LOGARITHM:
        return natural_logarithm(x);
    default:
        return x > 0.0f ? x : x * step->first;
    }
}

enum plan_status run_unary_float(const struct execution *execution, const void *raw) {
    const struct unary_float_step *step = raw;
    uint32_t bytes = saturating_product(step->elements, 4);
    const float *input = plan_read(execution, step->input, bytes, 4);
    float *output = plan_write(execution, step->output, bytes, 4);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    if (step->operation < UNARY_LOGISTIC || step->operation >= UNARY_OPERATION_END) {
        return PLAN_BAD_GEOMETRY;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        output[i] = apply(step, input[i]);
    }
    return PLAN_OK;
}
