/* SIN and COS, and FLOOR_MOD with broadcasting, in float32. */
#include "float_wave.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_elementwise.h"

enum plan_status run_wave_float(const struct execution *execution, const void *raw) {
    const struct wave_float_step *step = raw;
    uint32_t bytes = saturating_product(step->elements, 4);
    const float *input = plan_read(execution, step->input, bytes, 4);
    float *output = plan_write(execution, step->output, bytes, 4);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        output[i] = step->cosine ? cosine(input[i]) : sine(input[i]);
    }
    return PLAN_OK;
}

/* A positive float as significand * 2^exponent, the significand with its 24th bit set. */
struct parts {
    uint32_t significand;
    int32_t exponent;
};

static struct parts parts_of(float magnitude) {
    uint32_t bits;
    __builtin_memcpy(&bits, &magnitude, 4);
    struct parts parts = {(bits & 0x7fffffu) | 0x800000u, (int32_t)(bits >> 23)};
    if (parts.exponent == 0) {
        int32_t zeros = __builtin_clz(bits) - 8;
        parts.significand = bits << zeros;
        parts.exponent = 1 - zeros;
    }
    return parts;
}

/* As C's fmod: exact, with the dividend's sign. */
static float truncated_remainder(float dividend, float divisor) {
    float magnitude = dividend < 0.0f ? -dividend : dividend;
    float size = divisor < 0.0f ? -divisor : divisor;
    if (!(magnitude < __builtin_inff()) || !(size > 0.0f)) {
        return __builtin_nanf("");
    }
    if (magnitude < size) {
        return dividend;
    }
    struct parts left = parts_of(magnitude);
    struct parts right = parts_of(size);
    uint32_t rest = left.significand % right.significand;
    for (int32_t i = left.exponent; i > right.exponent && rest != 0; i--) {
        rest = (rest << 1) % right.significand;
    }
    /* The rest has the divisor's exponent: exact, as it is below the divisor. */
    float unit;
    uint32_t bits = (uint32_t)(right.exponent >= 24 ? right.exponent - 23 : 1) << 23;
    __builtin_memcpy(&unit, &bits, 4); /* 2^(exponent - 150), or the smallest normal number */
    float result = (float)rest * unit;
    if (right.exponent < 24) {
        /* Down by the exponents that the unit has too many. */
        for (int32_t i = right.exponent; i < 24; i++) {
            result *= 0.5f;
        }
    }
    return dividend < 0.0f ? -result : result;
}

static float floored_remainder(float dividend, float divisor) {
    float rest = truncated_remainder(dividend, divisor);
    return rest != 0.0f && (divisor < 0.0f) != (rest < 0.0f) ? rest + divisor : rest;
}

enum plan_status run_floor_mod_float(const struct execution *execution, const void *raw) {
    const struct floor_mod_float_step *step = raw;
    const struct plan_broadcast *broadcast = &step->broadcast;
    if (!broadcast_valid(broadcast)) {
        return PLAN_BAD_GEOMETRY;
    }
    const int32_t *shape = broadcast->shape;
    const int32_t *stride1 = broadcast->stride1;
    const int32_t *stride2 = broadcast->stride2;
    const float *input1 = plan_read(execution, step->input1, saturating_product(broadcast->elements1, 4), 4);
    const float *input2 = plan_read(execution, step->input2, saturating_product(broadcast->elements2, 4), 4);
    float *output =
        plan_write(execution, step->output, saturating_product(shape_elements(shape, PLAN_RANK), 4), 4);
    if (input1 == NULL || input2 == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                for (int32_t l = 0; l < shape[3]; l++) {
                    int32_t place1 = i * stride1[0] + j * stride1[1] + k * stride1[2] + l * stride1[3];
                    int32_t place2 = i * stride2[0] + j * stride2[1] + k * stride2[2] + l * stride2[3];
                    for (int32_t m = 0; m < shape[4]; m++) {
                        *output++ = floored_remainder(input1[place1], input2[place2]);
                        place1 += stride1[4];
                        place2 += stride2[4];
                    }
                }
            }
        }
    }
    return PLAN_OK;
}
