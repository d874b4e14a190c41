/* Float32: the operators of two inputs, MEAN, SUM, SOFTMAX, the functions of one value and BATCH_MATMUL; and the two
 * conversions with int8. */
#include "fixed_point.h"
#include "float_math.h"
#include "kernels.h"
#include "matrix_view.h"
#include "memory.h"

static float combine(int32_t operation, float a, float b) {
    float difference = a - b;
    switch (operation) {
    case 0:
        return a + b;
    case 1:
        return difference;
    case 2:
        return a * b;
    case 3:
        return difference * difference;
    case 4:
        return a / b;
    case 5:
        return a < b ? a : b;
    case 6:
        return a > b ? a : b;
    case 7:
        return a >= 0.0f ? a : a * b;
    default:
        return round_down(a / b);
    }
}

enum plan_status run_elementwise_float(const struct execution *execution, const void *raw) {
    const struct elementwise_float_step *step = raw;
    const struct plan_broadcast *broadcast = &step->broadcast;
    if (!broadcast_valid(broadcast)) {
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

enum plan_status run_softmax_float(const struct execution *execution, const void *raw) {
    const struct softmax_float_step *step = raw;
    if (step->rows < 1 || step->depth < 1) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t bytes = saturating_product(saturating_product((uint32_t)step->rows, (uint32_t)step->depth), 4);
    const float *input = plan_read(execution, step->input, bytes, 4);
    float *output = plan_write(execution, step->output, bytes, 4);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t row = 0; row < step->rows; row++) {
        float largest = input[0];
        for (int32_t i = 1; i < step->depth; i++) {
            largest = largest < input[i] ? input[i] : largest;
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < step->depth; i++) {
            output[i] = exponential((input[i] - largest) * step->beta);
            sum += output[i];
        }
        for (int32_t i = 0; i < step->depth; i++) {
            output[i] /= sum;
        }
        input += step->depth;
        output += step->depth;
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

enum plan_status run_matrix_float(const struct execution *execution, const void *raw) {
    const struct matrix_float_step *step = raw;
    const struct plan_matrix *matrix = &step->matrix;
    struct matrix_view view;
    enum plan_status status = bind_matrix(execution, matrix, 4, &view);
    if (status != PLAN_OK) {
        return status;
    }
    float *output = (float *)(void *)view.output;
    int32_t lines = matrix->batches[0] * matrix->batches[1];
    for (int32_t line = 0; line < lines; line++) {
        int32_t outer = line / matrix->batches[1];
        int32_t middle = line % matrix->batches[1];
        for (int32_t inner = 0; inner < matrix->batches[2]; inner++) {
            const float *left = (const float *)(const void *)view.left + outer * matrix->left_batch_stride[0] +
                                middle * matrix->left_batch_stride[1] + inner * matrix->left_batch_stride[2];
            const float *right = (const float *)(const void *)view.right + outer * matrix->right_batch_stride[0] +
                                 middle * matrix->right_batch_stride[1] + inner * matrix->right_batch_stride[2];
            for (int32_t row = 0; row < matrix->rows; row++) {
                for (int32_t column = 0; column < matrix->columns; column++) {
                    float sum = 0.0f;
                    for (int32_t k = 0; k < matrix->depth; k++) {
                        sum += left[row * matrix->left_row_stride + k * matrix->left_depth_stride] *
                               right[column * matrix->right_column_stride + k * matrix->right_depth_stride];
                    }
                    *output++ = sum;
                }
            }
        }
    }
    return PLAN_OK;
}

enum plan_status run_quantize(const struct execution *execution, const void *raw) {
    const struct quantize_step *step = raw;
    const float *input = plan_read(execution, step->input, saturating_product(step->elements, 4), 4);
    int8_t *output = plan_write(execution, step->output, step->elements, 1);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        /* Clamped before the conversion, which is undefined outside int32; no result changes by it. */
        float scaled = clamp_float(round_half_away(input[i] / step->scale), -1024.0f, 1024.0f);
        int32_t value = (scaled == scaled ? (int32_t)scaled : 0) + step->zero_point;
        output[i] = (int8_t)clamp(value, INT8_MIN, INT8_MAX);
    }
    return PLAN_OK;
}

enum plan_status run_dequantize(const struct execution *execution, const void *raw) {
    const struct dequantize_step *step = raw;
    const uint8_t *input = plan_read(execution, step->input, step->elements, 1);
    float *output = plan_write(execution, step->output, saturating_product(step->elements, 4), 4);
    const float *table = plan_read(execution, step->table, 256 * 4, 4);
    if (input == NULL || output == NULL || table == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        output[i] = table[input[i]];
    }
    return PLAN_OK;
}
