/* AVERAGE_POOL_2D and MAX_POOL_2D in float32, in the reference's order. */
#include "float_math.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_convolution.h"

/* The lowest finite float: what the reference starts a maximum from. */
#define LOWEST (-3.40282346638528859811704183484516925e+38f)

static float pool_window_float(const struct pool_float_step *step, const float *corner, int32_t rows, int32_t columns) {
    const struct plan_window *window = &step->window;
    float sum = 0.0f;
    float best = LOWEST;
    for (int32_t y = 0; y < rows; y++) {
        const float *value = corner + y * window->input_width * window->input_channels;
        for (int32_t x = 0; x < columns; x++) {
            sum += *value;
            best = best < *value ? *value : best;
            value += window->input_channels;
        }
    }
    return clamp_float(step->maximum_pool ? best : sum / (float)(rows * columns), step->minimum, step->maximum);
}

enum plan_status run_pool_float(const struct execution *execution, const void *raw) {
    const struct pool_float_step *step = raw;
    const struct plan_window *window = &step->window;
    if (!window_valid(window) || window->input_channels != window->output_channels) {
        return PLAN_BAD_GEOMETRY;
    }
    const float *input = plan_read(execution, step->input, saturating_product(window_input_elements(window), 4), 4);
    float *output = plan_write(execution, step->output, saturating_product(window_output_elements(window), 4), 4);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t batch = 0; batch < window->batches; batch++) {
        for (int32_t y = 0; y < window->output_height; y++) {
            for (int32_t x = 0; x < window->output_width; x++) {
                int32_t origin_y = y * window->stride_height - window->pad_top;
                int32_t origin_x = x * window->stride_width - window->pad_left;
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
                    *output++ = pool_window_float(step, corner + c, end_y - first_y, end_x - first_x);
                }
            }
        }
        input += window->input_height * window->input_width * window->input_channels;
    }
    return PLAN_OK;
}
