#include "matrix_view.h"

static bool operand_valid(const struct plan_matrix *matrix, const int32_t *batch_stride, int32_t lines,
                          int32_t line_stride, int32_t depth_stride, uint32_t elements) {
    int32_t lowest;
    int32_t highest;
    const int32_t shape[5] = {matrix->batches[0], matrix->batches[1], matrix->batches[2], lines, matrix->depth};
    const int32_t stride[5] = {batch_stride[0], batch_stride[1], batch_stride[2], line_stride, depth_stride};
    return stride_reach(shape, stride, 5, &lowest, &highest) && lowest == 0 && (uint32_t)highest < elements;
}

enum plan_status bind_matrix(const struct execution *execution, const struct plan_matrix *matrix,
                             uint32_t element_bytes, struct matrix_view *view) {
    if (!dimensions_valid(matrix->batches, 3) || !dimensions_valid(&matrix->rows, 3) ||
        !operand_valid(matrix, matrix->left_batch_stride, matrix->rows, matrix->left_row_stride,
                       matrix->left_depth_stride, matrix->left_elements) ||
        !operand_valid(matrix, matrix->right_batch_stride, matrix->columns, matrix->right_column_stride,
                       matrix->right_depth_stride, matrix->right_elements)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t output_elements =
        saturating_product(shape_elements(matrix->batches, 3),
                           saturating_product((uint32_t)matrix->rows, (uint32_t)matrix->columns));
    view->left = plan_read(execution, matrix->left, saturating_product(matrix->left_elements, element_bytes),
                           element_bytes);
    view->right = plan_read(execution, matrix->right, saturating_product(matrix->right_elements, element_bytes),
                            element_bytes);
    view->output = plan_write(execution, matrix->output, saturating_product(output_elements, element_bytes),
                              element_bytes);
    return view->left != NULL && view->right != NULL && view->output != NULL ? PLAN_OK : PLAN_OUT_OF_BOUNDS;
}
