/* DEPTHWISE_CONV_2D with one output channel for each input channel, of int16 images with int8 weights: as
 * int8_depthwise.c, a tap outside the image being a pixel of zeros. */
#include "geometry.h"
#include "int16_channel.h"
#include "kernels.h"
#include "memory.h"

/* So many products of 2^22 at most stay below 2^31. */
#define TAPS_LIMIT 256

static void convolve_depthwise_pixel_int16(const struct depthwise_int16_step *step, const int16_t *const *taps,
                                           int32_t tap_count, const int8_t *weights,
                                           const struct plan_channel_int16 *channels, int16_t *output) {
    int32_t channel_count = step->window.output_channels;
    int32_t c = 0;
    for (; c + 4 <= channel_count; c += 4) {
        int32_t sums[4] = {0, 0, 0, 0};
        const int8_t *factors = weights + c;
        for (int32_t t = 0; t < tap_count; t++) {
            const int16_t *values = taps[t] + c;
            sums[0] += values[0] * factors[0];
            sums[1] += values[1] * factors[1];
            sums[2] += values[2] * factors[2];
            sums[3] += values[3] * factors[3];
            factors += channel_count;
        }
        for (int32_t i = 0; i < 4; i++) {
            output[c + i] = finish_int16(&channels[c + i], sums[i], step->wide, step->minimum, step->maximum);
        }
    }
    for (; c < channel_count; c++) {
        int32_t sum = 0;
        for (int32_t t = 0; t < tap_count; t++) {
            sum += taps[t][c] * weights[t * channel_count + c];
        }
        output[c] = finish_int16(&channels[c], sum, step->wide, step->minimum, step->maximum);
    }
}

static void list_int16_taps(const struct plan_window *window, const int16_t *image, const int16_t *outside,
                            int32_t origin_y, int32_t origin_x, const int16_t **taps) {
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        int32_t y = origin_y + ky * window->dilation_height;
        bool row_inside = y >= 0 && y < window->input_height;
        for (int32_t kx = 0; kx < window->kernel_width; kx++) {
            int32_t x = origin_x + kx * window->dilation_width;
            *taps++ = row_inside && x >= 0 && x < window->input_width
                          ? image + (y * window->input_width + x) * window->input_channels
                          : outside;
        }
    }
}

enum plan_status run_depthwise_int16(const struct execution *execution, const void *raw) {
    const struct depthwise_int16_step *step = raw;
    const struct plan_window *window = &step->window;
    if (!window_valid(window) || window->input_channels != window->output_channels) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t channel_count = (uint32_t)window->output_channels;
    uint32_t tap_count = (uint32_t)window->kernel_height * (uint32_t)window->kernel_width;
    if (tap_count > TAPS_LIMIT) {
        return PLAN_BAD_GEOMETRY;
    }
    const int16_t *input = plan_read(execution, step->input, saturating_product(window_input_elements(window), 2), 2);
    int16_t *output = plan_write(execution, step->output, saturating_product(window_output_elements(window), 2), 2);
    const int8_t *weights = plan_read(execution, step->weights, tap_count * channel_count, 1);
    const struct plan_channel_int16 *channels =
        plan_read(execution, step->channels, channel_count * (uint32_t)sizeof *channels, 4);
    /* 8 bytes a tap, whatever a pointer has, then the pixel of zeros. */
    uint8_t *scratch = plan_write(execution, step->scratch, 8 * tap_count + 2 * channel_count, 8);
    if (input == NULL || output == NULL || weights == NULL || channels == NULL || scratch == NULL ||
        !are_apart(step->output, 2 * window_output_elements(window), step->scratch, 8 * tap_count + 2 * channel_count)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    if (!int16_channels_valid(channels, window->output_channels, step->wide)) {
        return PLAN_BAD_GEOMETRY;
    }
    const int16_t **taps = (const int16_t **)(void *)scratch;
    int16_t *outside = (int16_t *)(void *)(scratch + 8 * tap_count);
    memset(outside, 0, 2 * channel_count);
    for (int32_t batch = 0; batch < window->batches; batch++) {
        for (int32_t y = 0; y < window->output_height; y++) {
            for (int32_t x = 0; x < window->output_width; x++) {
                list_int16_taps(window, input, outside, y * window->stride_height - window->pad_top,
                                x * window->stride_width - window->pad_left, taps);
                convolve_depthwise_pixel_int16(step, taps, (int32_t)tap_count, weights, channels, output);
                output += channel_count;
            }
        }
        input += window->input_height * window->input_width * window->input_channels;
    }
    return PLAN_OK;
}
