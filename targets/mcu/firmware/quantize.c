/* QUANTIZE from float32 to int8 and int16, and DEQUANTIZE from them. */
#include "fixed_point.h"
#include "float_math.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_elementwise.h"

enum plan_status run_quantize(const struct execution *execution, const void *raw) {
    const struct quantize_step *step = raw;
    const float *input = plan_read(execution, step->input, saturating_product(step->elements, 4), 4);
    int8_t *output = plan_write(execution, step->output, step->elements, 1);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        /* Clamped before the conversion, which is undefined outside int32; no result changes by it. */
        float scaled = clamp_float(round_half_away(input[i] / step->scale), -1024.0f, 1024.0f);
        int32_t value = (scaled == scaled ? (int32_t)scaled : 0) + step->zero_point;
        output[i] = (int8_t)clamp(value, INT8_MIN, INT8_MAX);
    }
    return PLAN_OK;
}

enum plan_status run_dequantize(const struct execution *execution, const void *raw) {
    const struct dequantize_step *step = raw;
    const uint8_t *input = plan_read(execution, step->input, step->elements, 1);
    float *output = plan_write(execution, step->output, saturating_product(step->elements, 4), 4);
    const float *table = plan_read(execution, step->table, 256 * 4, 4);
    if (input == NULL || output == NULL || table == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        output[i] = table[input[i]];
    }
    return PLAN_OK;
}

enum plan_status run_quantize_int16(const struct execution *execution, const void *raw) {
    const struct quantize_step *step = raw;
    const float *input = plan_read(execution, step->input, saturating_product(step->elements, 4), 4);
    int16_t *output = plan_write(execution, step->output, saturating_product(step->elements, 2), 2);
    if (input == NULL || output == NULL || step->zero_point < INT16_MIN || step->zero_point > INT16_MAX) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        float scaled = clamp_float(round_half_away(input[i] / step->scale), -131072.0f, 131072.0f);
        int32_t value = (scaled == scaled ? (int32_t)scaled : 0) + step->zero_point;
        output[i] = (int16_t)clamp(value, INT16_MIN, INT16_MAX);
    }
    return PLAN_OK;
}

enum plan_status run_dequantize_int16(const struct execution *execution, const void *raw) {
    const struct dequantize_int16_step *step = raw;
    const int16_t *input = plan_read(execution, step->input, saturating_product(step->elements, 2), 2);
    float *output = plan_write(execution, step->output, saturating_product(step->elements, 4), 4);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        /* The difference is exact, so the product is rounded once, as the reference's in double is. */
        output[i] = step->scale * (float)(int32_t)((uint32_t)input[i] - (uint32_t)step->zero_point);
    }
    return PLAN_OK;
}
