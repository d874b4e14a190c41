/* sigmoid and tanh of 16-bit values by one table of 256 sigmoids with linear interpolation, as the reference has them. */
#ifndef SIGMOID_CURVE_H
#define SIGMOID_CURVE_H

#include <stdint.h>

/* Input in Q3.12 times `multiplier` (3 where nothing else is to be scaled), result in Q0.15. */
static inline int32_t sigmoid16(const uint16_t *table, int32_t x) {
    uint32_t magnitude = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
    uint32_t index = magnitude >> 9;
    uint32_t result = 0x7fffu << 10;
    if (index < 255) {
        result = ((uint32_t)table[index] << 9) + (magnitude & 0x1ff) * (uint32_t)(table[index + 1] - table[index]);
    }
    result = x >= 0 ? result + (1 << 9) : (1u << 25) - result + (1 << 9) - 1;
    return (int16_t)(result >> 10);
}

static inline int32_t tanh16(const uint16_t *table, int32_t x) {
    uint32_t magnitude = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
    uint32_t index = magnitude >> 8;
    int32_t result = 0xffff << 8;
    if (index < 255) {
        result = (int32_t)(((uint32_t)table[index] << 8) +
                           (magnitude & 0xff) * (uint32_t)(table[index + 1] - table[index]));
    }
    result = x >= 0 ? result - (1 << 23) + (1 << 7) : -result + (1 << 23) + (1 << 7) - 1;
    return (int16_t)(result >> 8);
}

#endif
