/* Steps that move a window over images. */
#ifndef STEPS_CONVOLUTION_H
#define STEPS_CONVOLUTION_H

#include "plan_format.h"

/* Requantisation of one output channel. `bias` already holds the model's bias plus the input offset times the sum of
 * the channel's weights, so that kernels multiply raw int8 values. */
struct plan_channel {
    int32_t bias;
    int32_t multiplier;
    int32_t shift;
};

/* weights: int8 [output_channels][kernel padded to a multiple of 4], a kernel being [height][width][channels / groups]. */
struct convolution_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t weights;
    uint32_t channels; /* struct plan_channel[output_channels] */
    uint32_t scratch;  /* expanded windows: 4, or 1 where there are under 4 pixels; a linear one for ragged rows */
    struct plan_window window;
    int32_t groups;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t minimum;
    int32_t maximum;
};

/* Requantisation of one output channel of an int16 image: by a Q0.15 multiplier where sums have 64 bits, else by a Q0.31
 * one. The bias is one 64-bit number in two words. */
struct plan_channel_int16 {
    uint32_t bias_low;
    int32_t bias_high;
    int32_t multiplier;
    int32_t shift;
};

/* weights: as of convolution_int8_step, but each four in the order 0, 2, 1, 3 (see simd.h). Zero points are 0. */
struct convolution_int16_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t weights;
    uint32_t channels; /* struct plan_channel_int16[output_channels] */
    uint32_t scratch;  /* int16 [padded kernel] */
    struct plan_window window;
    int32_t groups;
    int32_t wide; /* 1 where sums have 64 bits */
    int32_t minimum;
    int32_t maximum;
};

/* weights: int8 [kernel_height * kernel_width][channels], at most 256 to each channel */
struct depthwise_int16_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t weights;
    uint32_t channels; /* struct plan_channel_int16[output_channels] */
    uint32_t scratch;  /* 8 bytes a tap, then one pixel of zeros */
    struct plan_window window;
    int32_t wide;
    int32_t minimum;
    int32_t maximum;
};

/* weights: int8 [kernel_height * kernel_width][channels] */
struct depthwise_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t weights;
    uint32_t channels;
    uint32_t scratch; /* 8 bytes a tap, then one pixel of zero points */
    struct plan_window window;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t minimum;
    int32_t maximum;
};

/* Of int8 or int16. */
struct pool_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    struct plan_window window;
    int32_t minimum;
    int32_t maximum;
};

/* weights: float [output_channels][kernel_height][kernel_width][input_channels / groups] */
struct convolution_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t weights;
    uint32_t bias; /* float [output_channels] */
    struct plan_window window;
    int32_t groups;
    float minimum;
    float maximum;
};

/* weights: float [kernel_height][kernel_width][output_channels] */
struct depthwise_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t weights;
    uint32_t bias;
    struct plan_window window;
    float minimum;
    float maximum;
};

struct pool_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    struct plan_window window;
    int32_t maximum_pool; /* 0 average, 1 maximum */
    float minimum;
    float maximum;
};

struct l2_pool_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    struct plan_window window;
    float minimum;
    float maximum;
};

#endif
