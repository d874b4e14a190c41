/* BATCH_MATMUL of int16 tensors, with sums of 64 bits. */
#include "fixed_point.h"
#include "kernels.h"
#include "matrix_view.h"

enum plan_status run_matrix_int16(const struct execution *execution, const void *raw) {
    const struct matrix_int16_step *step = raw;
    const struct plan_matrix *matrix = &step->matrix;
    struct matrix_view view;
    enum plan_status status = bind_matrix(execution, matrix, 2, &view);
    if (status != PLAN_OK) {
        return status;
    }
    if (!wide_rescaling_valid(step->multiplier, step->shift)) {
        return PLAN_BAD_GEOMETRY;
    }
    int16_t *output = (int16_t *)(void *)view.output;
    int32_t lines = matrix->batches[0] * matrix->batches[1];
    for (int32_t line = 0; line < lines; line++) {
        int32_t outer = line / matrix->batches[1];
        int32_t middle = line % matrix->batches[1];
        for (int32_t inner = 0; inner < matrix->batches[2]; inner++) {
            const int16_t *left = (const int16_t *)(const void *)view.left + outer * matrix->left_batch_stride[0] +
                                  middle * matrix->left_batch_stride[1] + inner * matrix->left_batch_stride[2];
            const int16_t *right = (const int16_t *)(const void *)view.right + outer * matrix->right_batch_stride[0] +
                                   middle * matrix->right_batch_stride[1] + inner * matrix->right_batch_stride[2];
            for (int32_t row = 0; row < matrix->rows; row++) {
                for (int32_t column = 0; column < matrix->columns; column++) {
                    const int16_t *a = left + row * matrix->left_row_stride;
                    const int16_t *b = right + column * matrix->right_column_stride;
                    int64_t sum = 0;
                    for (int32_t k = 0; k < matrix->depth; k++) {
                        sum += *a * *b;
                        a += matrix->left_depth_stride;
                        b += matrix->right_depth_stride;
                    }
                    int32_t scaled = requantize_wide(sum, step->multiplier, step->shift);
                    *output++ = (int16_t)clamp(scaled, INT16_MIN, INT16_MAX);
                }
            }
        }
    }
    return PLAN_OK;
}
