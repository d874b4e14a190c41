#include "float_math.h"

#include <stdint.h>

static float power_of_two(int32_t exponent) {
    uint32_t bits = (uint32_t)(exponent + 127) << 23;
    float value;
    __builtin_memcpy(&value, &bits, 4);
    return value;
}

float exponential(float x) {
    if (x != x) {
        return x;
    }
    if (x > 88.72283935546875f) {
        return __builtin_inff();
    }
    if (x < -103.97208404541015625f) {
        return 0.0f;
    }
    /* x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 is split so that n times its first part is exact. */
    int32_t n = (int32_t)(x * 1.44269502162933349609375f + (x < 0.0f ? -0.5f : 0.5f));
    float r = (x - (float)n * 0.693145751953125f) - (float)n * 1.42860676533018704503775e-06f;
    /* Taylor's coefficients to r^7 are enough for half an ULP here: (ln 2 / 2)^8 / 8! is below 2^-27. */
    float series = 1.0f / 5040.0f;
    series = series * r + 1.0f / 720.0f;
    series = series * r + 1.0f / 120.0f;
    series = series * r + 1.0f / 24.0f;
    series = series * r + 1.0f / 6.0f;
    series = series * r + 0.5f;
    float value = 1.0f + (r + series * r * r);
    /* In two factors, so that neither overflows and subnormal results round once. */
    int32_t half = n / 2;
    return value * power_of_two(half) * power_of_two(n - half);
}

float hyperbolic_tangent(float x) {
    float magnitude = x < 0.0f ? -x : x;
    if (x != x || magnitude < 1.0e-4f) {
        return x;
    }
    float result;
    if (magnitude > 9.5f) {
        result = 1.0f;
    } else if (magnitude < 0.625f) {
        /* Odd minimax polynomial on [0, 0.625] (the coefficients of the Cephes library's tanhf, S. Moshier). */
        float square = magnitude * magnitude;
        float series = -5.70498872745e-3f;
        series = series * square + 2.06390887954e-2f;
        series = series * square - 5.37397155531e-2f;
        series = series * square + 1.33314422036e-1f;
        series = series * square - 3.33332819422e-1f;
        result = magnitude + magnitude * square * series;
    } else {
        result = 1.0f - 2.0f / (exponential(2.0f * magnitude) + 1.0f);
    }
    return x < 0.0f ? -result : result;
}

float logistic(float x) {
    /* The reference's own limits: 1 above where float32 has nothing left, exp(x) where 1 + exp(-x) loses bits. */
    if (x > 16.619047164916992188f) {
        return 1.0f;
    }
    if (x < -9.0f) {
        return exponential(x);
    }
    return 1.0f / (1.0f + exponential(-x));
}

float square_root(float x) {
    if (x < 0.0f) {
        return __builtin_nanf("");
    }
    if (!(x > 0.0f) || x == __builtin_inff()) {
        return x; /* 0, infinity and what is not a number are their own roots */
    }
    int32_t halvings = 0;
    if (x < power_of_two(-100)) {
        x *= power_of_two(64); /* out of the subnormal range, by an even power */
        halvings = 32;
    }
    uint32_t bits;
    __builtin_memcpy(&bits, &x, 4);
    int32_t exponent = (int32_t)(bits >> 23) - 127;
    uint32_t significand = (bits & 0x7fffffu) | 0x800000u;
    /* The exponent's odd half goes into the significand, which is then below 2^25. */
    uint32_t rest = significand << (exponent & 1);
    /* Digit by digit: 24 bits of the root and one to round by. A root is never halfway between two floats. */
    uint32_t root = 0;
    uint32_t remainder = 0;
    for (int32_t digit = 0; digit < 25; digit++) {
        remainder = remainder << 2 | (rest >> 23 & 3);
        rest = rest << 2 & 0x1ffffffu;
        uint32_t trial = root << 2 | 1;
        root <<= 1;
        if (remainder >= trial) {
            remainder -= trial;
            root |= 1;
        }
    }
    /* The root of a significand in [1, 4) is in [1, 2): 2^24 and up, so one shift leaves a float's 24 bits. */
    float rounded = (float)((root >> 1) + (root & 1)) * power_of_two(-23);
    return rounded * power_of_two((exponent >> 1) - halvings);
}

float round_half_away(float x) {
    float magnitude = x < 0.0f ? -x : x;
    if (!(magnitude < 8388608.0f)) {
        return x; /* already whole, infinite or not a number */
    }
    int32_t whole = (int32_t)magnitude;
    float result = (float)(magnitude - (float)whole >= 0.5f ? whole + 1 : whole);
    return x < 0.0f ? -result : result;
}

float round_down(float x) {
    float magnitude = x < 0.0f ? -x : x;
    if (!(magnitude < 8388608.0f) || x == 0.0f) {
        return x; /* already whole (a negative zero stays one), infinite or not a number */
    }
    float whole = (float)(int32_t)x;
    return whole > x ? whole - 1.0f : whole;
}

float round_half_even(float x) {
    float below = round_down(x);
    float rest = x - below;
    if (rest < 0.5f || (rest == 0.5f && (int32_t)below % 2 == 0)) {
        return below;
    }
    return below + 1.0f;
}

float natural_logarithm(float x) {
    if (x != x || x < 0.0f) {
        return __builtin_nanf("");
    }
    if (x == 0.0f || x == __builtin_inff()) {
        return x == 0.0f ? -__builtin_inff() : x;
    }
    int32_t exponent = 0;
    if (x < power_of_two(-100)) {
        x *= power_of_two(64); /* out of the subnormal range */
        exponent = -64;
    }
    uint32_t bits;
    __builtin_memcpy(&bits, &x, 4);
    /* x = 2^exponent (1 + rest), with 1 + rest between the square roots of 1/2 and 2. */
    exponent += (int32_t)(bits >> 23) - 127;
    bits = (bits & 0x7fffffu) | 0x3f800000u;
    float rest;
    __builtin_memcpy(&rest, &bits, 4);
    if (rest > 1.41421353816986083984375f) {
        rest *= 0.5f;
        exponent++;
    }
    rest -= 1.0f;
    /* Minimax polynomial (the coefficients of the Cephes library's logf, S. Moshier). */
    float square = rest * rest;
    float series = 7.0376836292e-2f;
    series = series * rest - 1.1514610310e-1f;
    series = series * rest + 1.1676998740e-1f;
    series = series * rest - 1.2420140846e-1f;
    series = series * rest + 1.4249322787e-1f;
    series = series * rest - 1.6668057665e-1f;
    series = series * rest + 2.0000714765e-1f;
    series = series * rest - 2.4999993993e-1f;
    series = series * rest + 3.3333331174e-1f;
    float correction = series * rest * square - (float)exponent * 2.12194440e-4f - 0.5f * square;
    return rest + correction + (float)exponent * 0.693359375f;
}
