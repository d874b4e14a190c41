/* AVERAGE_POOL_2D and MAX_POOL_2D, int16; input and output share one scale, as the format demands. */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_convolution.h"

typedef int16_t pool_pixel(const struct pool_step *step, const int16_t *corner, int32_t rows, int32_t columns);

static int16_t average_of_int16(const struct pool_step *step, const int16_t *corner, int32_t rows, int32_t columns) {
    int32_t channels = step->window.input_channels;
    int32_t row_stride = step->window.input_width * channels;
    int32_t count = rows * columns;
    int32_t sum = 0; /* of at most 2^15 pixels */
    for (int32_t y = 0; y < rows; y++) {
        const int16_t *value = corner + y * row_stride;
        for (int32_t x = 0; x < columns; x++) {
            sum += *value;
            value += channels;
        }
    }
    /* Halves away from zero; C's division truncates. */
    int32_t rounded = sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
    return (int16_t)clamp(rounded, step->minimum, step->maximum);
}

static int16_t maximum_of_int16(const struct pool_step *step, const int16_t *corner, int32_t rows, int32_t columns) {
    int32_t channels = step->window.input_channels;
    int32_t row_stride = step->window.input_width * channels;
    int32_t best = INT16_MIN;
    for (int32_t y = 0; y < rows; y++) {
        const int16_t *value = corner + y * row_stride;
        for (int32_t x = 0; x < columns; x++) {
            best = *value > best ? *value : best;
            value += channels;
        }
    }
    return (int16_t)clamp(best, step->minimum, step->maximum);
}

static enum plan_status pool_int16(const struct execution *execution, const struct pool_step *step,
                             pool_pixel *reduce) {
    const struct plan_window *window = &step->window;
    if (!window_valid(window) || window->input_channels != window->output_channels ||
        window->kernel_height * window->kernel_width > 1 << 15) {
        return PLAN_BAD_GEOMETRY;
    }
    const int16_t *input = plan_read(execution, step->input, saturating_product(window_input_elements(window), 2), 2);
    int16_t *output = plan_write(execution, step->output, saturating_product(window_output_elements(window), 2), 2);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t batch = 0; batch < window->batches; batch++) {
        for (int32_t y = 0; y < window->output_height; y++) {
            int32_t origin_y = y * window->stride_height - window->pad_top;
            int32_t first_y;
            int32_t end_y;
            window_range(origin_y, window->kernel_height, 1, window->input_height, &first_y, &end_y);
            for (int32_t x = 0; x < window->output_width; x++) {
                int32_t origin_x = x * window->stride_width - window->pad_left;
                int32_t first_x;
                int32_t end_x;
                window_range(origin_x, window->kernel_width, 1, window->input_width, &first_x, &end_x);
                if (first_y >= end_y || first_x >= end_x) {
                    return PLAN_BAD_GEOMETRY; /* a window wholly outside the image has no average */
                }
                const int16_t *corner =
                    input + ((origin_y + first_y) * window->input_width + origin_x + first_x) * window->input_channels;
                for (int32_t c = 0; c < window->input_channels; c++) {
                    *output++ = reduce(step, corner + c, end_y - first_y, end_x - first_x);
                }
            }
        }
        input += window->input_height * window->input_width * window->input_channels;
    }
    return PLAN_OK;
}

enum plan_status run_average_pool_int16(const struct execution *execution, const void *step) {
    return pool_int16(execution, step, average_of_int16);
}

enum plan_status run_max_pool_int16(const struct execution *execution, const void *step) {
    return pool_int16(execution, step, maximum_of_int16);
}
