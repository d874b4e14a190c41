/* BATCH_MATMUL of float32 tensors; transposed operands are read through their strides. */
#include "kernels.h"
#include "matrix_view.h"

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
