#include "geometry.h"

bool window_valid(const struct plan_window *window) {
    return dimensions_valid(&window->batches, 13) && window->pad_top >= 0 && window->pad_top <= DIMENSION_LIMIT &&
           window->pad_left >= 0 && window->pad_left <= DIMENSION_LIMIT &&
           (uint64_t)(uint32_t)window->kernel_height * (uint32_t)window->dilation_height <= DIMENSION_LIMIT &&
           (uint64_t)(uint32_t)window->kernel_width * (uint32_t)window->dilation_width <= DIMENSION_LIMIT;
}

uint32_t window_input_elements(const struct plan_window *window) {
    return shape_elements(&window->batches, 4);
}

uint32_t window_output_elements(const struct plan_window *window) {
    return saturating_product(shape_elements(&window->output_height, 3), (uint32_t)window->batches);
}

bool stride_reach(const int32_t *shape, const int32_t *stride, int rank, int32_t *lowest, int32_t *highest) {
    int64_t low = 0;
    int64_t high = 0;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 1) {
            return false;
        }
        int64_t reach = (int64_t)(shape[i] - 1) * stride[i];
        if (reach < 0) {
            low += reach;
        } else {
            high += reach;
        }
        if (low < INT32_MIN || high > INT32_MAX) {
            return false;
        }
    }
    *lowest = (int32_t)low;
    *highest = (int32_t)high;
    return true;
}

static bool stays_below(const int32_t *shape, const int32_t *stride, uint32_t elements) {
    int32_t lowest;
    int32_t highest;
    return stride_reach(shape, stride, PLAN_RANK, &lowest, &highest) && lowest == 0 && (uint32_t)highest < elements;
}

bool broadcast_valid(const struct plan_broadcast *broadcast) {
    return stays_below(broadcast->shape, broadcast->stride1, broadcast->elements1) &&
           stays_below(broadcast->shape, broadcast->stride2, broadcast->elements2);
}
