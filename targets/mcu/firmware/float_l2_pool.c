/* L2_POOL_2D in float32: the root of the mean square of a window. */
#include "float_math.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_convolution.h"

static float root_mean_square(const struct plan_window *window, const float *corner, int32_t rows, int32_t columns) {
    float sum = 0.0f;
    for (int32_t y = 0; y < rows; y++) {
        const float *value = corner + y * window->input_width * window->input_channels;
        for (int32_t x = 0; x < columns; x++) {
            sum += *value * *value;
            value += window->input_channels;
        }
    }
    return square_root(sum / (float)(rows * columns));
}

enum plan_status run_l2_pool_float(const struct execution *execution, const void *raw) {
    const struct l2_pool_float_step *step = raw;
    const struct plan_window *window = &step->window;
    if (!window_valid(window) || window->input_channels != window->output_channels) {
        return PLAN_BAD_GEOMETRY;
    }
    const float *input = plan_read(execution, step->input, saturating_product(window_input_elements(window), 4), 4);
    float *output = plan_write(execution, step->output, saturating_product(window_output_elements(window), 4), 4);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    int32_t pixels = window->output_height * window->output_width;
    for (int32_t batch = 0; batch < window->batches; batch++) {
        for (int32_t pixel = 0; pixel < pixels; pixel++) {
            int32_t origin_y = pixel / window->output_width * window->stride_height - window->pad_top;
            int32_t origin_x = pixel % window->output_width * window->stride_width - window->pad_left;
            int32_t first_y;
            int32_t end_y;
            int32_t first_x;
            int32_t end_x;
            window_range(origin_y, window->kernel_height, 1, window->input_height, &first_y, &end_y);
            window_range(origin_x, window->kernel_width, 1, window->input_width, &first_x, &end_x);
            if (first_y >= end_y || first_x >= end_x) {
                return PLAN_BAD_GEOMETRY;
            }
            const float *corner =
                input + ((origin_y + first_y) * window->input_width + origin_x + first_x) * window->input_channels;
            for (int32_t c = 0; c < window->input_channels; c++) {
                float value = root_mean_square(window, corner + c, end_y - first_y, end_x - first_x);
                *output++ = clamp_float(value, step->minimum, step->maximum);
            }
        }
        input += window->input_height * window->input_width * window->input_channels;
    }
    return PLAN_OK;
}
