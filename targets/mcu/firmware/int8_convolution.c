/* CONV_2D, FULLY_CONNECTED and depthwise convolutions with a multiplier (as groups), int8 with per-channel scales.
 *
 * Windows are gathered, expanded to int16 and multiplied four at a time, so that each weight is loaded once for four
 * output pixels. The input offset is folded into the bias by the planner; places outside the image read as the input's
 * zero point, whose folded product is what the reference gets by leaving them out.
 */
#include "fixed_point.h"
#include "geometry.h"
#include "int8_dot.h"
#include "kernels.h"
#include "memory.h"
#include "steps_convolution.h"

struct gather {
    const struct plan_window *window;
    const int8_t *image; /* of this batch and group */
    int8_t *linear;
    int32_t group_channels;
    int32_t kernel_elements; /* of one group, unpadded */
    int32_t padded_elements;
    int32_t zero_point;
};

/* `groups` groups of four values to every `lanes`-th group of `target`. */
static int16_t *expand(const int8_t *source, int32_t groups, int16_t *target, int32_t lanes) {
    while (groups-- > 0) {
        uint32_t word = load_word(source);
        store_word(target, even_pair(word));
        store_word(target + 2, odd_pair(word));
        source += 4;
        target += lanes * 4;
    }
    return target;
}

static int16_t *expand_constant(int32_t value, int32_t groups, int16_t *target, int32_t lanes) {
    uint32_t pair = (uint16_t)value | (uint32_t)(uint16_t)value << 16;
    while (groups-- > 0) {
        store_word(target, pair);
        store_word(target + 2, pair);
        target += lanes * 4;
    }
    return target;
}

/* Rows of whole groups go straight from the image to the expanded window. */
static void gather_rows(const struct gather *gather, int32_t origin_y, int32_t origin_x, int16_t *target,
                        int32_t lanes) {
    const struct plan_window *window = gather->window;
    int32_t pixel_groups = gather->group_channels / 4;
    int32_t first;
    int32_t end;
    window_range(origin_x, window->kernel_width, window->dilation_width, window->input_width, &first, &end);
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        int32_t y = origin_y + ky * window->dilation_height;
        if (y < 0 || y >= window->input_height || first >= end) {
            target = expand_constant(gather->zero_point, window->kernel_width * pixel_groups, target, lanes);
            continue;
        }
        const int8_t *row = gather->image + (y * window->input_width + origin_x) * window->input_channels;
        int32_t step = window->dilation_width * window->input_channels;
        target = expand_constant(gather->zero_point, first * pixel_groups, target, lanes);
        if (step == gather->group_channels) {
            target = expand(row + first * step, (end - first) * pixel_groups, target, lanes);
        } else {
            for (int32_t kx = first; kx < end; kx++) {
                target = expand(row + kx * step, pixel_groups, target, lanes);
            }
        }
        target = expand_constant(gather->zero_point, (window->kernel_width - end) * pixel_groups, target, lanes);
    }
}

/* Any other shape is first laid out in a line. */
static void gather_linear(const struct gather *gather, int32_t origin_y, int32_t origin_x, int16_t *target,
                          int32_t lanes) {
    const struct plan_window *window = gather->window;
    int8_t *next = gather->linear;
    int32_t first;
    int32_t end;
    window_range(origin_x, window->kernel_width, window->dilation_width, window->input_width, &first, &end);
    int32_t row_bytes = window->kernel_width * gather->group_channels;
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        int32_t y = origin_y + ky * window->dilation_height;
        if (y < 0 || y >= window->input_height || first >= end) {
            memset(next, gather->zero_point, (size_t)row_bytes);
            next += row_bytes;
            continue;
        }
        if (first > 0 || end < window->kernel_width) {
            memset(next, gather->zero_point, (size_t)row_bytes);
        }
        const int8_t *row = gather->image + (y * window->input_width + origin_x) * window->input_channels;
        int32_t step = window->dilation_width * window->input_channels;
        if (step == gather->group_channels) {
            memcpy(next + first * step, row + first * step, (size_t)((end - first) * step));
        } else {
            for (int32_t kx = first; kx < end; kx++) {
                memcpy(next + kx * gather->group_channels, row + kx * step, (size_t)gather->group_channels);
            }
        }
        next += row_bytes;
    }
    /* The padding of the weights is zero, so what stands here only has to be defined. */
    memset(next, 0, (size_t)(gather->padded_elements - gather->kernel_elements));
    expand(gather->linear, gather->padded_elements / 4, target, lanes);
}

static void gather_window(const struct gather *gather, int32_t pixel, int16_t *target, int32_t lanes) {
    const struct plan_window *window = gather->window;
    int32_t origin_y = pixel / window->output_width * window->stride_height - window->pad_top;
    int32_t origin_x = pixel % window->output_width * window->stride_width - window->pad_left;
    if (gather->group_channels % 4 == 0) {
        gather_rows(gather, origin_y, origin_x, target, lanes);
    } else {
        gather_linear(gather, origin_y, origin_x, target, lanes);
    }
}

static inline int8_t finish(const struct convolution_int8_step *step, const struct plan_channel *channel,
                            int32_t sum) {
    int32_t scaled = requantize(sum, channel->multiplier, channel->shift) + step->output_zero_point;
    return (int8_t)clamp(scaled, step->minimum, step->maximum);
}

static void convolve_four_pixels(const struct convolution_int8_step *step, const int8_t *weights, int32_t count,
                                 const struct plan_channel *channels, int32_t channel_count, const int16_t *windows,
                                 int8_t *output) {
    int32_t stride = step->window.output_channels;
    for (int32_t c = 0; c < channel_count; c++) {
        int32_t bias = channels[c].bias;
        int32_t sums[4] = {bias, bias, bias, bias};
        dot_four_windows(weights, windows, count, sums);
        output[0] = finish(step, &channels[c], sums[0]);
        output[stride] = finish(step, &channels[c], sums[1]);
        output[2 * stride] = finish(step, &channels[c], sums[2]);
        output[3 * stride] = finish(step, &channels[c], sums[3]);
        weights += count;
        output++;
    }
}

static void convolve_pixel(const struct convolution_int8_step *step, const int8_t *weights, int32_t count,
                           const struct plan_channel *channels, int32_t channel_count, const int16_t *window,
                           int8_t *output) {
    int32_t c = 0;
    for (; c + 1 < channel_count; c += 2) {
        int32_t sums[2] = {channels[c].bias, channels[c + 1].bias};
        dot_two_channels(weights, window, count, sums);
        output[c] = finish(step, &channels[c], sums[0]);
        output[c + 1] = finish(step, &channels[c + 1], sums[1]);
        weights += 2 * count;
    }
    if (c < channel_count) {
        output[c] = finish(step, &channels[c], dot_one_channel(weights, window, count, channels[c].bias));
    }
}

static bool channels_valid(const struct plan_channel *channels, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        if (channels[i].multiplier < 0 || !shift_valid(channels[i].shift)) {
            return false;
        }
    }
    return true;
}

enum plan_status run_convolution_int8(const struct execution *execution, const void *raw) {
    const struct convolution_int8_step *step = raw;
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
    const int8_t *input = plan_read(execution, step->input, window_input_elements(window), 1);
    int8_t *output = plan_write(execution, step->output, window_output_elements(window), 1);
    const int8_t *weights =
        plan_read(execution, step->weights, saturating_product((uint32_t)padded, output_channels), 4);
    const struct plan_channel *channels =
        plan_read(execution, step->channels, output_channels * (uint32_t)sizeof *channels, 4);
    int32_t pixels = window->output_height * window->output_width;
    int32_t lanes = pixels >= 4 ? 4 : 1;
    uint32_t scratch_bytes = (uint32_t)padded * (uint32_t)(2 * lanes + (group_channels % 4 != 0));
    int16_t *windows = plan_write(execution, step->scratch, scratch_bytes, 4);
    if (input == NULL || output == NULL || weights == NULL || channels == NULL || windows == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    if (!channels_valid(channels, window->output_channels)) {
        return PLAN_BAD_GEOMETRY;
    }

    struct gather gather = {
        .window = window,
        .linear = (int8_t *)(windows + padded * lanes),
        .group_channels = group_channels,
        .kernel_elements = (int32_t)elements,
        .padded_elements = padded,
        .zero_point = step->input_zero_point,
    };
    for (int32_t batch = 0; batch < window->batches; batch++) {
        for (int32_t group = 0; group < step->groups; group++) {
            const int8_t *group_weights = weights + group * group_outputs * padded;
            const struct plan_channel *group_channel = channels + group * group_outputs;
            int8_t *group_output = output + group * group_outputs;
            gather.image = input + group * group_channels;
            int32_t pixel = 0;
            for (; pixel + 4 <= pixels; pixel += 4) {
                for (int32_t lane = 0; lane < 4; lane++) {
                    gather_window(&gather, pixel + lane, windows + lane * 4, 4);
                }
                convolve_four_pixels(step, group_weights, padded, group_channel, group_outputs, windows,
                                     group_output + pixel * window->output_channels);
            }
            for (; pixel < pixels; pixel++) {
                gather_window(&gather, pixel, windows, 1);
                convolve_pixel(step, group_weights, padded, group_channel, group_outputs, windows,
                               group_output + pixel * window->output_channels);
            }
        }
        input += window->input_height * window->input_width * window->input_channels;
        output += pixels * window->output_channels;
    }
    return PLAN_OK;
}
