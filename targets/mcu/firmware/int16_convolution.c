/* CONV_2D, FULLY_CONNECTED, TRANSPOSE_CONV and depthwise convolutions with a multiplier (as groups) of int16 images with
 * int8 weights.
 *
 * Each window is laid out in a line, unless it is one already. Products are added in 32 bits as long as they fit. */
#include "geometry.h"
#include "int16_channel.h"
#include "kernels.h"
#include "memory.h"
#include "simd.h"

/* So many products of 2^22 at most stay below 2^31. */
#define BLOCK 256

struct gather {
    const struct plan_window *window;
    const int16_t *image; /* of this batch and group */
    int32_t group_channels;
    int32_t kernel_elements; /* of one group, unpadded */
    bool is_line;            /* a window is one pixel, all of it weighed */
};

/* Two channels' weights with one window; `count` is a multiple of four. */
static inline void dot_block(const int8_t *weights, int32_t stride, const int16_t *window, int32_t count,
                             int32_t sums[2]) {
    int32_t sum0 = 0;
    int32_t sum1 = 0;
    const int8_t *second = weights + stride;
    const int8_t *end = weights + count;
    while (weights != end) {
#if HAVE_PAIRED_MULTIPLY
        uint32_t word0 = load_word(weights);
        uint32_t word1 = load_word(second);
        uint32_t first_pair = load_word(window);
        uint32_t second_pair = load_word(window + 2);
        sum0 = add_pair_product(add_pair_product(sum0, first_pair, even_pair(word0)), second_pair, odd_pair(word0));
        sum1 = add_pair_product(add_pair_product(sum1, first_pair, even_pair(word1)), second_pair, odd_pair(word1));
#else
        sum0 += window[0] * weights[0] + window[1] * weights[2] + window[2] * weights[1] + window[3] * weights[3];
        sum1 += window[0] * second[0] + window[1] * second[2] + window[2] * second[1] + window[3] * second[3];
#endif
        weights += 4;
        second += 4;
        window += 4;
    }
    sums[0] = sum0;
    sums[1] = sum1;
}

static void convolve_pixel_int16(const struct convolution_int16_step *step, const int8_t *weights, int32_t count,
                           const struct plan_channel_int16 *channels, int32_t channel_count, const int16_t *window,
                           int16_t *output) {
    for (int32_t c = 0; c < channel_count; c += 2) {
        /* The last channel of an odd number is its own partner. */
        int32_t stride = c + 1 < channel_count ? count : 0;
        int64_t totals[2] = {0, 0};
        for (int32_t start = 0; start < count; start += BLOCK) {
            int32_t sums[2];
            int32_t length = count - start < BLOCK ? count - start : BLOCK;
            dot_block(weights + start, stride, window + start, length, sums);
            totals[0] += sums[0];
            totals[1] += sums[1];
        }
        output[c] = finish_int16(&channels[c], totals[0], step->wide, step->minimum, step->maximum);
        if (stride > 0) {
            output[c + 1] = finish_int16(&channels[c + 1], totals[1], step->wide, step->minimum, step->maximum);
        }
        weights += 2 * count;
    }
}

/* `count` pixels of `channels` values, `step` values apart. */
static int16_t *gather_pixels(const int16_t *pixels, int32_t step, int32_t channels, int32_t count, int16_t *target) {
    if (step == channels) {
        memcpy(target, pixels, (size_t)(count * channels) * 2);
        return target + count * channels;
    }
    for (int32_t i = 0; i < count; i++) {
        for (int32_t c = 0; c < channels; c++) {
            *target++ = pixels[c];
        }
        pixels += step;
    }
    return target;
}

/* The window of an output pixel: in the image where it can stay there, else in `scratch`. */
static const int16_t *window_of(const struct gather *gather, int32_t pixel, int16_t *scratch) {
    const struct plan_window *window = gather->window;
    int32_t origin_y = pixel / window->output_width * window->stride_height - window->pad_top;
    int32_t origin_x = pixel % window->output_width * window->stride_width - window->pad_left;
    if (gather->is_line && origin_y >= 0 && origin_y < window->input_height && origin_x >= 0 &&
        origin_x < window->input_width) {
        return gather->image + (origin_y * window->input_width + origin_x) * window->input_channels;
    }
    int16_t *target = scratch;
    int32_t first;
    int32_t end;
    window_range(origin_x, window->kernel_width, window->dilation_width, window->input_width, &first, &end);
    int32_t row_values = window->kernel_width * gather->group_channels;
    int32_t before = first * gather->group_channels;
    int32_t after = (window->kernel_width - end) * gather->group_channels;
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        int32_t y = origin_y + ky * window->dilation_height;
        if (y < 0 || y >= window->input_height || first >= end) {
            memset(target, 0, (size_t)row_values * 2);
            target += row_values;
            continue;
        }
        int32_t step = window->dilation_width * window->input_channels;
        const int16_t *row = gather->image + (y * window->input_width + origin_x) * window->input_channels;
        memset(target, 0, (size_t)before * 2);
        target = gather_pixels(row + first * step, step, gather->group_channels, end - first, target + before);
        memset(target, 0, (size_t)after * 2);
        target += after;
    }
    /* The padding of the weights is zero, so what stands here only has to be defined. */
    for (int32_t i = gather->kernel_elements; i % 4 != 0; i++) {
        *target++ = 0;
    }
    return scratch;
}

enum plan_status run_convolution_int16(const struct execution *execution, const void *raw) {
    const struct convolution_int16_step *step = raw;
    const struct plan_window *window = &step->window;
    if (!window_valid(window) || !dimensions_valid(&step->groups, 1) ||
        window->input_channels % step->groups != 0 || window->output_channels % step->groups != 0) {
        return PLAN_BAD_GEOMETRY;
    }
    int32_t group_channels = window->input_channels / step->groups;
    int32_t group_outputs = window->output_channels / step->groups;
    uint32_t elements = saturating_product(
        saturating_product((uint32_t)window->kernel_height, (uint32_t)window->kernel_width), (uint32_t)group_channels);
    if (elements > INT32_MAX / 16) {
        return PLAN_BAD_GEOMETRY;
    }
    int32_t padded = (int32_t)((elements + 3) & ~3u);
    uint32_t output_channels = (uint32_t)window->output_channels;
    const int16_t *input =
        plan_read(execution, step->input, saturating_product(window_input_elements(window), 2), 2);
    int16_t *output = plan_write(execution, step->output, saturating_product(window_output_elements(window), 2), 2);
    const int8_t *weights =
        plan_read(execution, step->weights, saturating_product((uint32_t)padded, output_channels), 4);
    const struct plan_channel_int16 *channels =
        plan_read(execution, step->channels, output_channels * (uint32_t)sizeof *channels, 4);
    int16_t *scratch = plan_write(execution, step->scratch, (uint32_t)padded * 2, 2);
    if (input == NULL || output == NULL || weights == NULL || channels == NULL || scratch == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    if (!int16_channels_valid(channels, window->output_channels, step->wide)) {
        return PLAN_BAD_GEOMETRY;
    }

    struct gather gather = {
        .window = window,
        .group_channels = group_channels,
        .kernel_elements = (int32_t)elements,
        .is_line = elements == (uint32_t)group_channels && elements % 4 == 0,
    };
    int32_t pixels = window->output_height * window->output_width;
    for (int32_t batch = 0; batch < window->batches; batch++) {
        for (int32_t group = 0; group < step->groups; group++) {
            gather.image = input + group * group_channels;
            for (int32_t pixel = 0; pixel < pixels; pixel++) {
                convolve_pixel_int16(step, weights + group * group_outputs * padded, padded,
                               channels + group * group_outputs, group_outputs, window_of(&gather, pixel, scratch),
                               output + pixel * window->output_channels + group * group_outputs);
            }
        }
        input += window->input_height * window->input_width * window->input_channels;
        output += pixels * window->output_channels;
    }
    return PLAN_OK;
}
