/* Steps that only move bytes: table look-ups, fills, and copies between strided views. */
#include "geometry.h"
#include "kernels.h"
#include "memory.h"
#include "steps_movement.h"

enum plan_status run_lookup_int8(const struct execution *execution, const void *raw) {
    const struct lookup_int8_step *step = raw;
    const uint8_t *input = plan_read(execution, step->input, step->elements, 1);
    uint8_t *output = plan_write(execution, step->output, step->elements, 1);
    const uint8_t *table = plan_read(execution, step->table, 256, 1);
    if (input == NULL || output == NULL || table == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (uint32_t i = 0; i < step->elements; i++) {
        output[i] = table[input[i]];
    }
    return PLAN_OK;
}

enum plan_status run_fill(const struct execution *execution, const void *raw) {
    const struct fill_step *step = raw;
    uint8_t *output = plan_write(execution, step->output, step->bytes, 4);
    if (output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    uint32_t whole = step->bytes & ~3u;
    for (uint32_t i = 0; i < whole; i += 4) {
        __builtin_memcpy(output + i, &step->pattern, 4);
    }
    memcpy(output + whole, &step->pattern, step->bytes - whole);
    return PLAN_OK;
}

/* Start of a strided view whose element 0 is at `reference`: NULL where any element of it is outside. */
static uint8_t *view(const struct execution *execution, uint32_t reference, const struct copy_step *step,
                     const int32_t *stride, bool writable) {
    int32_t lowest;
    int32_t highest;
    if (!stride_reach(step->shape, stride, PLAN_RANK, &lowest, &highest)) {
        return NULL;
    }
    uint32_t start = (reference & ~PLAN_CONSTANT_BIT) + (uint32_t)lowest;
    uint32_t bytes = (uint32_t)(highest - lowest) + (uint32_t)step->element_bytes;
    if (start & PLAN_CONSTANT_BIT) {
        return NULL; /* the lowest element would be before the section */
    }
    start |= reference & PLAN_CONSTANT_BIT;
    uint8_t *first = writable ? plan_write(execution, start, bytes, 1)
                              : (uint8_t *)(uintptr_t)plan_read(execution, start, bytes, 1);
    return first == NULL ? NULL : first - lowest;
}

static void copy_row(const uint8_t *input, int32_t input_stride, uint8_t *output, int32_t output_stride,
                     int32_t element_bytes, int32_t count) {
    if (input_stride == element_bytes && output_stride == element_bytes) {
        memcpy(output, input, (size_t)(count * element_bytes));
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        for (int32_t byte = 0; byte < element_bytes; byte++) {
            output[byte] = input[byte];
        }
        input += input_stride;
        output += output_stride;
    }
}

enum plan_status run_copy(const struct execution *execution, const void *raw) {
    const struct copy_step *step = raw;
    const int32_t *shape = step->shape;
    const int32_t *from = step->input_stride;
    const int32_t *to = step->output_stride;
    if (step->element_bytes < 1 || step->element_bytes > 8) {
        return PLAN_BAD_GEOMETRY;
    }
    const uint8_t *input = view(execution, step->input, step, from, false);
    uint8_t *output = view(execution, step->output, step, to, true);
    if (input == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t i = 0; i < shape[0]; i++) {
        for (int32_t j = 0; j < shape[1]; j++) {
            for (int32_t k = 0; k < shape[2]; k++) {
                const uint8_t *source = input + i * from[0] + j * from[1] + k * from[2];
                uint8_t *target = output + i * to[0] + j * to[1] + k * to[2];
                for (int32_t l = 0; l < shape[3]; l++) {
                    copy_row(source + l * from[3], from[4], target + l * to[3], to[4], step->element_bytes,
                             shape[4]);
                }
            }
        }
    }
    return PLAN_OK;
}
