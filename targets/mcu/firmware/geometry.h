/* Sizes and index ranges, checked: a plan is untrusted input. */
#ifndef GEOMETRY_H
#define GEOMETRY_H

#include "executor.h"

#define DIMENSION_LIMIT 32767 /* products of two dimensions then stay below 2^30 */

/* a * b, or the largest value where that does not fit: no buffer is that big, so the bounds check refuses it. */
static inline uint32_t saturating_product(uint32_t a, uint32_t b) {
    uint64_t product = (uint64_t)a * b;
    return product > UINT32_MAX ? UINT32_MAX : (uint32_t)product;
}

/* Whether two parts of the arena, both inside, have no byte in common. */
static inline bool are_apart(uint32_t first, uint32_t first_bytes, uint32_t second, uint32_t second_bytes) {
    return first + first_bytes <= second || second + second_bytes <= first;
}

static inline bool dimensions_valid(const int32_t *values, int count) {
    for (int i = 0; i < count; i++) {
        if (values[i] < 1 || values[i] > DIMENSION_LIMIT) {
            return false;
        }
    }
    return true;
}

static inline uint32_t shape_elements(const int32_t *shape, int rank) {
    uint32_t elements = 1;
    for (int i = 0; i < rank; i++) {
        elements = saturating_product(elements, (uint32_t)shape[i]);
    }
    return elements;
}

bool window_valid(const struct plan_window *window);
uint32_t window_input_elements(const struct plan_window *window);
uint32_t window_output_elements(const struct plan_window *window);

/* Lowest and highest offset reached by walking `shape` with `stride`; false where they leave the int32 range. */
bool stride_reach(const int32_t *shape, const int32_t *stride, int rank, int32_t *lowest, int32_t *highest);

bool broadcast_valid(const struct plan_broadcast *broadcast);

/* First and one past the last place of a kernel of `size` that fall inside [0, limit) when the window starts at
 * `origin`, places being `dilation` apart. */
static inline void window_range(int32_t origin, int32_t size, int32_t dilation, int32_t limit, int32_t *first,
                                int32_t *end) {
    int32_t begin = 0;
    int32_t last = size;
    while (begin < size && origin + begin * dilation < 0) {
        begin++;
    }
    while (last > begin && origin + (last - 1) * dilation >= limit) {
        last--;
    }
    *first = begin;
    *end = last;
}

#endif
