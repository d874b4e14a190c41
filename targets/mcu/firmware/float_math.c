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

float round_half_away(float x) {
    float magnitude = x < 0.0f ? -x : x;
    if (!(magnitude < 8388608.0f)) {
        return x; /* already whole, infinite or not a number */
    }
    int32_t whole = (int32_t)magnitude;
    float result = (float)(magnitude - (float)whole >= 0.5f ? whole + 1 : whole);
    return x < 0.0f ? -result : result;
}
