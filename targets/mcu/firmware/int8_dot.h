/* Inner products of int8 weights with an expanded window, the hot loops of every int8 model.
 *
 * An expanded window holds int16 values in groups of four, each group in the order 0, 2, 1, 3 (see simd.h). Four
 * windows may be interleaved: group g of window w starts at (g * 4 + w) * 4.
 */
#ifndef INT8_DOT_H
#define INT8_DOT_H

#include "simd.h"

/* Four windows with one channel's weights. `count` is a positive multiple of four. */
static inline void dot_four_windows(const int8_t *weights, const int16_t *windows, int32_t count, int32_t sums[4]) {
    int32_t sum0 = sums[0];
    int32_t sum1 = sums[1];
    int32_t sum2 = sums[2];
    int32_t sum3 = sums[3];
    const int8_t *end = weights + count;
#if HAVE_PAIRED_MULTIPLY
    const uint32_t *pairs = (const uint32_t *)windows;
    do {
        uint32_t word = load_word(weights);
        uint32_t even = even_pair(word);
        uint32_t odd = odd_pair(word);
        sum0 = add_pair_product(add_pair_product(sum0, pairs[0], even), pairs[1], odd);
        sum1 = add_pair_product(add_pair_product(sum1, pairs[2], even), pairs[3], odd);
        sum2 = add_pair_product(add_pair_product(sum2, pairs[4], even), pairs[5], odd);
        sum3 = add_pair_product(add_pair_product(sum3, pairs[6], even), pairs[7], odd);
        weights += 4;
        pairs += 8;
    } while (weights != end);
#else
    do {
        int32_t weight0 = weights[0];
        int32_t weight1 = weights[1];
        int32_t weight2 = weights[2];
        int32_t weight3 = weights[3];
        sum0 += windows[0] * weight0 + windows[1] * weight2 + windows[2] * weight1 + windows[3] * weight3;
        sum1 += windows[4] * weight0 + windows[5] * weight2 + windows[6] * weight1 + windows[7] * weight3;
        sum2 += windows[8] * weight0 + windows[9] * weight2 + windows[10] * weight1 + windows[11] * weight3;
        sum3 += windows[12] * weight0 + windows[13] * weight2 + windows[14] * weight1 + windows[15] * weight3;
        weights += 4;
        windows += 16;
    } while (weights != end);
#endif
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}

/* One window with two channels' weights, `count` apart. `count` is a positive multiple of four. */
static inline void dot_two_channels(const int8_t *weights, const int16_t *window, int32_t count, int32_t sums[2]) {
    int32_t sum0 = sums[0];
    int32_t sum1 = sums[1];
    const int8_t *second = weights + count;
    const int8_t *end = second;
#if HAVE_PAIRED_MULTIPLY
    const uint32_t *pairs = (const uint32_t *)window;
    do {
        uint32_t word0 = load_word(weights);
        uint32_t word1 = load_word(second);
        sum0 = add_pair_product(add_pair_product(sum0, pairs[0], even_pair(word0)), pairs[1], odd_pair(word0));
        sum1 = add_pair_product(add_pair_product(sum1, pairs[0], even_pair(word1)), pairs[1], odd_pair(word1));
        weights += 4;
        second += 4;
        pairs += 2;
    } while (weights != end);
#else
    do {
        sum0 += window[0] * weights[0] + window[1] * weights[2] + window[2] * weights[1] + window[3] * weights[3];
        sum1 += window[0] * second[0] + window[1] * second[2] + window[2] * second[1] + window[3] * second[3];
        weights += 4;
        second += 4;
        window += 4;
    } while (weights != end);
#endif
    sums[0] = sum0;
    sums[1] = sum1;
}

static inline int32_t dot_one_channel(const int8_t *weights, const int16_t *window, int32_t count, int32_t sum) {
    const int8_t *end = weights + count;
    do {
        sum += window[0] * weights[0] + window[1] * weights[2] + window[2] * weights[1] + window[3] * weights[3];
        weights += 4;
        window += 4;
    } while (weights != end);
    return sum;
}

#endif
