/* GATHER and EMBEDDING_LOOKUP, and RESIZE_NEAREST_NEIGHBOR as two of them: slices of an axis, chosen by number. */
#include "geometry.h"
#include "kernels.h"
#include "memory.h"
#include "steps_movement.h"

enum plan_status run_gather(const struct execution *execution, const void *raw) {
    const struct gather_step *step = raw;
    if (step->batches < 1 || step->outer < 1 || step->axis_size < 1 || step->count < 1 || step->inner_bytes < 1) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t inner = (uint32_t)step->inner_bytes;
    uint32_t lines = saturating_product((uint32_t)step->batches, (uint32_t)step->outer);
    uint32_t line_bytes = saturating_product(inner, (uint32_t)step->axis_size);
    uint32_t index_count = saturating_product((uint32_t)step->batches, (uint32_t)step->count);
    const uint8_t *input = plan_read(execution, step->input, saturating_product(lines, line_bytes), 1);
    const int32_t *indices = plan_read(execution, step->indices, saturating_product(index_count, 4), 4);
    uint8_t *output = plan_write(execution, step->output,
                                 saturating_product(lines, saturating_product(inner, (uint32_t)step->count)), 1);
    if (input == NULL || indices == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t batch = 0; batch < step->batches; batch++) {
        for (int32_t line = 0; line < step->outer; line++) {
            for (int32_t i = 0; i < step->count; i++) {
                if (indices[i] < 0 || indices[i] >= step->axis_size) {
                    return PLAN_OUT_OF_BOUNDS;
                }
                memcpy(output, input + (uint32_t)indices[i] * inner, inner);
                output += inner;
            }
            input += line_bytes;
        }
        indices += step->count;
    }
    return PLAN_OK;
}
