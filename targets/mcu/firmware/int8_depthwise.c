/* DEPTHWISE_CONV_2D with one output channel for each input channel, int8 with per-channel scales.
 *
 * For each output pixel the addresses of its taps are listed once; a tap outside the image is a pixel of zero points.
 * Channels are then walked four at a time.
 */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"
#include "memory.h"
#include "simd.h"
#include "steps_convolution.h"

static inline int8_t finish_depthwise(const struct depthwise_int8_step *step, const struct plan_channel *channel, int32_t sum) {
    int32_t scaled = requantize(sum, channel->multiplier, channel->shift) + step->output_zero_point;
    return (int8_t)clamp(scaled, step->minimum, step->maximum);
}

/* Products of four neighbouring channels of one tap. */
static inline void add_four_products(int32_t sums[4], const int8_t *pixel, const int8_t *weights) {
#if HAVE_PAIRED_MULTIPLY
    uint32_t values = load_word(pixel);
    uint32_t factors = load_word(weights);
    uint32_t even_values = even_pair(values);
    uint32_t even_factors = even_pair(factors);
    uint32_t odd_values = odd_pair(values);
    uint32_t odd_factors = odd_pair(factors);
    sums[0] = __smlabb((int32_t)even_values, (int32_t)even_factors, sums[0]);
    sums[1] = __smlabb((int32_t)odd_values, (int32_t)odd_factors, sums[1]);
    sums[2] = __smlatt((int32_t)even_values, (int32_t)even_factors, sums[2]);
    sums[3] = __smlatt((int32_t)odd_values, (int32_t)odd_factors, sums[3]);
#else
    for (int i = 0; i < 4; i++) {
        sums[i] += pixel[i] * weights[i];
    }
#endif
}

static void convolve_depthwise_pixel(const struct depthwise_int8_step *step, const int8_t *const *taps, int32_t tap_count,
                           const int8_t *weights, const struct plan_channel *channels, int8_t *output) {
    int32_t channel_count = step->window.output_channels;
    int32_t c = 0;
    for (; c + 4 <= channel_count; c += 4) {
        int32_t sums[4] = {channels[c].bias, channels[c + 1].bias, channels[c + 2].bias, channels[c + 3].bias};
        const int8_t *tap_weights = weights + c;
        const int8_t *const *tap = taps;
        const int8_t *const *end = taps + tap_count;
        do {
            add_four_products(sums, *tap + c, tap_weights);
            tap_weights += channel_count;
        } while (++tap != end);
        for (int32_t i = 0; i < 4; i++) {
            output[c + i] = finish_depthwise(step, &channels[c + i], sums[i]);
        }
    }
    for (; c < channel_count; c++) {
        int32_t sum = channels[c].bias;
        for (int32_t t = 0; t < tap_count; t++) {
            sum += taps[t][c] * weights[t * channel_count + c];
        }
        output[c] = finish_depthwise(step, &channels[c], sum);
    }
}

static void list_taps(const struct plan_window *window, const int8_t *image, const int8_t *outside, int32_t origin_y,
                      int32_t origin_x, const int8_t **taps) {
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

enum plan_status run_depthwise_int8(const struct execution *execution, const void *raw) {
    const struct depthwise_int8_step *step = raw;
    const struct plan_window *window = &step->window;
    if (!window_valid(window) || window->input_channels != window->output_channels) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t channel_count = (uint32_t)window->output_channels;
    uint32_t tap_count = (uint32_t)window->kernel_height * (uint32_t)window->kernel_width;
    if (tap_count > UINT16_MAX) {
        return PLAN_BAD_GEOMETRY;
    }
    const int8_t *input = plan_read(execution, step->input, window_input_elements(window), 1);
    int8_t *output = plan_write(execution, step->output, window_output_elements(window), 1);
    const int8_t *weights = plan_read(execution, step->weights, saturating_product(tap_count, channel_count), 4);
    const struct plan_channel *channels =
        plan_read(execution, step->channels, channel_count * (uint32_t)sizeof *channels, 4);
    const int8_t **taps = plan_write(execution, step->scratch, tap_count * 8 + channel_count, 8);
    /* The pointers to the taps are used while outputs are written. */
    if (input == NULL || output == NULL || weights == NULL || channels == NULL || taps == NULL ||
        !are_apart(step->output, window_output_elements(window), step->scratch, tap_count * 8 + channel_count)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < channel_count; i++) {
        if (channels[i].multiplier < 0 || !shift_valid(channels[i].shift)) {
            return PLAN_BAD_GEOMETRY;
        }
    }
    int8_t *outside = (int8_t *)taps + tap_count * 8;
    memset(outside, step->input_zero_point, channel_count);
    for (int32_t batch = 0; batch < window->batches; batch++) {
        for (int32_t y = 0; y < window->output_height; y++) {
            for (int32_t x = 0; x < window->output_width; x++) {
                list_taps(window, input, outside, y * window->stride_height - window->pad_top,
                          x * window->stride_width - window->pad_left, taps);
                convolve_depthwise_pixel(step, taps, (int32_t)tap_count, weights, channels, output);
                output += channel_count;
            }
        }
        input += window->input_height * window->input_width * window->input_channels;
    }
    return PLAN_OK;
}
