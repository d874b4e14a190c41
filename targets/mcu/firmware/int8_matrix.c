/* BATCH_MATMUL of int8 tensors; transposed operands are read through their strides. */
#include "fixed_point.h"
#include "kernels.h"
#include "matrix_view.h"

enum plan_status run_matrix_int8(const struct execution *execution, const void *raw) {
    const struct matrix_int8_step *step = raw;
    const struct plan_matrix *matrix = &step->matrix;
    struct matrix_view view;
    enum plan_status status = bind_matrix(execution, matrix, 1, &view);
    if (status != PLAN_OK) {
        return status;
    }
    if (step->multiplier < 0 || !shift_valid(step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    int8_t *output = (int8_t *)view.output;
    int32_t lines = matrix->batches[0] * matrix->batches[1];
    for (int32_t line = 0; line < lines; line++) {
        int32_t outer = line / matrix->batches[1];
        int32_t middle = line % matrix->batches[1];
        for (int32_t inner = 0; inner < matrix->batches[2]; inner++) {
            const int8_t *left = (const int8_t *)view.left + outer * matrix->left_batch_stride[0] +
                                 middle * matrix->left_batch_stride[1] + inner * matrix->left_batch_stride[2];
            const int8_t *right = (const int8_t *)view.right + outer * matrix->right_batch_stride[0] +
                                  middle * matrix->right_batch_stride[1] + inner * matrix->right_batch_stride[2];
            for (int32_t row = 0; row < matrix->rows; row++) {
                for (int32_t column = 0; column < matrix->columns; column++) {
                    const int8_t *a = left + row * matrix->left_row_stride;
                    const int8_t *b = right + column * matrix->right_column_stride;
                    uint32_t sum = 0;
                    for (int32_t k = 0; k < matrix->depth; k++) {
                        sum += (uint32_t)((*a + step->left_offset) * (*b + step->right_offset));
                        a += matrix->left_depth_stride;
                        b += matrix->right_depth_stride;
                    }
                    int32_t scaled =
                        requantize((int32_t)sum, step->multiplier, step->shift) + step->output_zero_point;
                    *output++ = (int8_t)clamp(scaled, INT8_MIN, INT8_MAX);
                }
            }
        }
    }
    return PLAN_OK;
}
