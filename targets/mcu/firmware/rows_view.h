/* Rows of `depth` values, read from one buffer and written to another of the same size. */
#ifndef ROWS_VIEW_H
#define ROWS_VIEW_H

#include "geometry.h"

struct rows_view {
    const void *input;
    void *output;
};

/* False where a buffer is not all there, or one lies in the other: what a row was found to hold at most is an index
 * while it is written. `rows` and `depth` are at least 1. */
static inline bool bind_rows(const struct execution *execution, uint32_t input, uint32_t output, int32_t rows,
                             int32_t depth, uint32_t element_bytes, struct rows_view *view) {
    uint32_t elements = saturating_product((uint32_t)rows, (uint32_t)depth);
    uint32_t bytes = saturating_product(elements, element_bytes);
    view->input = plan_read(execution, input, bytes, element_bytes);
    view->output = plan_write(execution, output, bytes, element_bytes);
    return view->input != NULL && view->output != NULL && are_apart(input, bytes, output, bytes);
}

#endif
