/* Two 16-bit multiplications in one instruction where the processor has them (Armv7E-M: Cortex-M4, M7, M33).
 *
 * Four int8 values in a word are split into the pairs (0, 2) and (1, 3): that is what SXTB16 does, so both operands of
 * a product are kept in that order and no shuffle is needed.
 */
#ifndef SIMD_H
#define SIMD_H

#include <stdint.h>

#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#define HAVE_PAIRED_MULTIPLY 1
#else
#define HAVE_PAIRED_MULTIPLY 0
#endif

static inline uint32_t load_word(const void *bytes) {
    uint32_t word;
    __builtin_memcpy(&word, bytes, 4);
    return word;
}

static inline void store_word(void *bytes, uint32_t word) {
    __builtin_memcpy(bytes, &word, 4);
}

#if HAVE_PAIRED_MULTIPLY

static inline uint32_t even_pair(uint32_t word) {
    return (uint32_t)__sxtb16((int32_t)word);
}

static inline uint32_t odd_pair(uint32_t word) {
    return (uint32_t)__sxtb16((int32_t)(word >> 8 | word << 24));
}

static inline int32_t add_pair_product(int32_t sum, uint32_t a, uint32_t b) {
    return __smlad((int32_t)a, (int32_t)b, sum);
}

#else

static inline uint32_t pack_pair(int8_t low, int8_t high) {
    return (uint16_t)(int16_t)low | (uint32_t)(uint16_t)(int16_t)high << 16;
}

static inline uint32_t even_pair(uint32_t word) {
    return pack_pair((int8_t)word, (int8_t)(word >> 16));
}

static inline uint32_t odd_pair(uint32_t word) {
    return pack_pair((int8_t)(word >> 8), (int8_t)(word >> 24));
}

#endif

#endif
