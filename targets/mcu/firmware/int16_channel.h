/* What becomes of an int16 layer's sum: the channel's bias, its scaling and the bounds. */
#ifndef INT16_CHANNEL_H
#define INT16_CHANNEL_H

#include <stdbool.h>

#include "fixed_point.h"
#include "steps_convolution.h"

static inline int16_t finish_int16(const struct plan_channel_int16 *channel, int64_t sum, bool wide, int32_t minimum,
                                   int32_t maximum) {
    uint64_t bias = (uint64_t)(uint32_t)channel->bias_high << 32 | channel->bias_low;
    int64_t total = (int64_t)((uint64_t)sum + bias);
    int32_t scaled = wide ? requantize_wide(total, channel->multiplier, channel->shift)
                          : requantize((int32_t)total, channel->multiplier, channel->shift);
    return (int16_t)clamp(scaled, minimum, maximum);
}

static inline bool int16_channels_valid(const struct plan_channel_int16 *channels, int32_t count, bool wide) {
    for (int32_t i = 0; i < count; i++) {
        int32_t multiplier = channels[i].multiplier;
        int32_t shift = channels[i].shift;
        if (wide ? !wide_rescaling_valid(multiplier, shift) : multiplier < 0 || !shift_valid(shift)) {
            return false;
        }
    }
    return true;
}

#endif
