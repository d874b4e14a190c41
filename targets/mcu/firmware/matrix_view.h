/* The strided views of a batched matrix product, checked. */
#ifndef MATRIX_VIEW_H
#define MATRIX_VIEW_H

#include "geometry.h"
#include "steps_matrix.h"

struct matrix_view {
    const uint8_t *left;
    const uint8_t *right;
    uint8_t *output;
};

enum plan_status bind_matrix(const struct execution *execution, const struct plan_matrix *matrix,
                             uint32_t element_bytes, struct matrix_view *view);

#endif
