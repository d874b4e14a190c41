#include "float_wave.h"

#include <stdint.h>

/* 32 zeros, and then the bits of 2 / pi: as many as the largest float needs. */
static const uint32_t two_over_pi[] = {0,          0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                                       0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};

/* An angle as quarter turns and the rest, between -pi / 4 and pi / 4. */
struct angle {
    uint32_t quarters;
    float rest;
};

static uint32_t bits_from(uint32_t offset) {
    uint32_t word = offset / 32;
    uint32_t shift = offset % 32;
    uint32_t next = word + 1 < sizeof two_over_pi / sizeof *two_over_pi ? two_over_pi[word + 1] : 0;
    return shift == 0 ? two_over_pi[word] : two_over_pi[word] << shift | next >> (32 - shift);
}

/* Payne and Hanek's: of x * 2 / pi, only the bits that stand for less than four are computed. */
static struct angle reduce_angle(float magnitude) {
    uint32_t bits;
    __builtin_memcpy(&bits, &magnitude, 4);
    if (magnitude < 0.785398163397448f) {
        return (struct angle){0, magnitude};
    }
    int32_t exponent = (int32_t)(bits >> 23) - 150; /* at least -24 */
    uint64_t significand = (bits & 0x7fffffu) | 0x800000u;
    uint32_t offset = (uint32_t)(30 + exponent);
    /* 96 bits of the product, of which the upper two are the quarters. */
    uint64_t low = significand * bits_from(offset + 64);
    uint64_t middle = significand * bits_from(offset + 32) + (low >> 32);
    uint64_t high = significand * bits_from(offset) + (middle >> 32);
    uint64_t turns = (high & 0xffffffffu) << 32 | (middle & 0xffffffffu);
    uint32_t quarters = (uint32_t)(turns >> 62);
    int64_t rest = (int64_t)(turns << 2); /* in 2^-64 of a quarter, as a signed number between -1/2 and 1/2 */
    quarters += rest < 0;
    return (struct angle){quarters, (float)rest * (1.57079632679489661923f / 18446744073709551616.0f)};
}

/* Minimax polynomials on [-pi / 4, pi / 4] (the coefficients of the Cephes library's sinf and cosf, S. Moshier). */
static float sine_part(float x) {
    float square = x * x;
    float series = -1.9515295891e-4f;
    series = series * square + 8.3321608736e-3f;
    series = series * square - 1.6666654611e-1f;
    return x + x * square * series;
}

static float cosine_part(float x) {
    float square = x * x;
    float series = 2.443315711809948e-5f;
    series = series * square - 1.388731625493765e-3f;
    series = series * square + 4.166664568298827e-2f;
    return 1.0f - 0.5f * square + square * square * series;
}

/* The sine of an angle, `ahead` quarter turns further on. */
static float wave(float x, uint32_t ahead) {
    float magnitude = x < 0.0f ? -x : x;
    if (!(magnitude < __builtin_inff())) {
        return __builtin_nanf("");
    }
    struct angle angle = reduce_angle(magnitude);
    uint32_t quarters = (angle.quarters + ahead) % 4;
    float value = quarters % 2 == 0 ? sine_part(angle.rest) : cosine_part(angle.rest);
    return quarters >= 2 ? -value : value;
}

float sine(float x) {
    float value = wave(x, 0);
    return x < 0.0f ? -value : value;
}

float cosine(float x) {
    return wave(x, 1);
}
