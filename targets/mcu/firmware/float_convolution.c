/* CONV_2D, FULLY_CONNECTED and DEPTHWISE_CONV_2D in float32, adding in the reference's order so that every product and
 * sum rounds as it does there (the build forbids contraction into fused operations). */
#include "float_math.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_convolution.h"

struct float_images {
    const float *input;
    float *output;
    const float *weights;
    const float *bias;
};

static enum plan_status bind_images(const struct execution *execution, const struct plan_window *window, uint32_t input,
                             uint32_t output, uint32_t weights, uint32_t weight_elements, uint32_t bias,
                             struct float_images *images) {
    images->input = plan_read(execution, input, saturating_product(window_input_elements(window), 4), 4);
    images->output = plan_write(execution, output, saturating_product(window_output_elements(window), 4), 4);
    images->weights = plan_read(execution, weights, saturating_product(weight_elements, 4), 4);
    images->bias = plan_read(execution, bias, (uint32_t)window->output_channels * 4, 4);
    return images->input != NULL && images->output != NULL && images->weights != NULL && images->bias != NULL
               ? PLAN_OK
               : PLAN_OUT_OF_BOUNDS;
}

static uint32_t kernel_places(const struct plan_window *window) {
    return (uint32_t)window->kernel_height * (uint32_t)window->kernel_width;
}

static float sum_window(const struct plan_window *window, const float *image, const float *weights,
                        int32_t group_channels, int32_t origin_y, int32_t origin_x) {
    float sum = 0.0f;
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        int32_t y = origin_y + ky * window->dilation_height;
        for (int32_t kx = 0; kx < window->kernel_width; kx++) {
            int32_t x = origin_x + kx * window->dilation_width;
            if (y >= 0 && y < window->input_height && x >= 0 && x < window->input_width) {
                const float *pixel = image + (y * window->input_width + x) * window->input_channels;
                for (int32_t c = 0; c < group_channels; c++) {
                    sum += pixel[c] * weights[c];
                }
            }
            weights += group_channels;
        }
    }
    return sum;
}

enum plan_status run_convolution_float(const struct execution *execution, const void *raw) {
    const struct convolution_float_step *step = raw;
    const struct plan_window *window = &step->window;
    if (!window_valid(window) || !dimensions_valid(&step->groups, 1) ||
        window->input_channels % step->groups != 0 || window->output_channels % step->groups != 0) {
        return PLAN_BAD_GEOMETRY;
    }
    int32_t group_channels = window->input_channels / step->groups;
    int32_t group_outputs = window->output_channels / step->groups;
    uint32_t kernel_elements = saturating_product(kernel_places(window), (uint32_t)group_channels);
    struct float_images images;
    enum plan_status status =
        bind_images(execution, window, step->input, step->output, step->weights,
             saturating_product(kernel_elements, (uint32_t)window->output_channels), step->bias, &images);
    if (status != PLAN_OK) {
        return status;
    }
    for (int32_t batch = 0; batch < window->batches; batch++) {
        for (int32_t y = 0; y < window->output_height; y++) {
            for (int32_t x = 0; x < window->output_width; x++) {
                for (int32_t c = 0; c < window->output_channels; c++) {
                    float sum = sum_window(window, images.input + c / group_outputs * group_channels,
                                           images.weights + (uint32_t)c * kernel_elements, group_channels,
                                           y * window->stride_height - window->pad_top,
                                           x * window->stride_width - window->pad_left);
                    *images.output++ = clamp_float(sum + images.bias[c], step->minimum, step->maximum);
                }
            }
        }
        images.input += window->input_height * window->input_width * window->input_channels;
    }
    return PLAN_OK;
}

static float sum_channel(const struct plan_window *window, const float *image, const float *weights,
                         int32_t origin_y, int32_t origin_x) {
    float sum = 0.0f;
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        int32_t y = origin_y + ky * window->dilation_height;
        for (int32_t kx = 0; kx < window->kernel_width; kx++) {
            int32_t x = origin_x + kx * window->dilation_width;
            if (y >= 0 && y < window->input_height && x >= 0 && x < window->input_width) {
                sum += image[(y * window->input_width + x) * window->input_channels] * *weights;
            }
            weights += window->output_channels;
        }
    }
    return sum;
}

enum plan_status run_depthwise_float(const struct execution *execution, const void *raw) {
    const struct depthwise_float_step *step = raw;
    const struct plan_window *window = &step->window;
    if (!window_valid(window) || window->output_channels % window->input_channels != 0) {
        return PLAN_BAD_GEOMETRY;
    }
    int32_t multiplier = window->output_channels / window->input_channels;
    struct float_images images;
    enum plan_status status =
        bind_images(execution, window, step->input, step->output, step->weights,
             saturating_product(kernel_places(window), (uint32_t)window->output_channels), step->bias, &images);
    if (status != PLAN_OK) {
        return status;
    }
    for (int32_t batch = 0; batch < window->batches; batch++) {
        for (int32_t y = 0; y < window->output_height; y++) {
            for (int32_t x = 0; x < window->output_width; x++) {
                for (int32_t c = 0; c < window->output_channels; c++) {
                    float sum = sum_channel(window, images.input + c / multiplier, images.weights + c,
                                            y * window->stride_height - window->pad_top,
                                            x * window->stride_width - window->pad_left);
                    *images.output++ = clamp_float(sum + images.bias[c], step->minimum, step->maximum);
                }
            }
        }
        images.input += window->input_height * window->input_width * window->input_channels;
    }
    return PLAN_OK;
}
