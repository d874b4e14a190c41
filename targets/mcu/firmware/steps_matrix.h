/* Steps that multiply matrices of which neither is a weight. */
#ifndef STEPS_MATRIX_H
#define STEPS_MATRIX_H

#include "plan_format.h"

/* output[b][i][j] = sum over k of left[b][i][k] * right[b][k][j]; strides in elements, batches in three dimensions. */
struct plan_matrix {
    uint32_t left;
    uint32_t right;
    uint32_t output;
    int32_t batches[3];
    int32_t left_batch_stride[3];
    int32_t right_batch_stride[3];
    int32_t rows;
    int32_t columns;
    int32_t depth;
    int32_t left_row_stride;
    int32_t left_depth_stride;
    int32_t right_column_stride;
    int32_t right_depth_stride;
    uint32_t left_elements;
    uint32_t right_elements;
};

struct matrix_int8_step {
    struct step_header header;
    struct plan_matrix matrix;
    int32_t left_offset;
    int32_t right_offset;
    int32_t multiplier;
    int32_t shift;
    int32_t output_zero_point;
};

/* Zero points are 0. */
struct matrix_int16_step {
    struct step_header header;
    struct plan_matrix matrix;
    int32_t multiplier; /* in Q0.15 */
    int32_t shift;
};

struct matrix_float_step {
    struct step_header header;
    struct plan_matrix matrix;
};

#endif
