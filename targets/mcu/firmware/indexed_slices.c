/* GATHER_ND and DYNAMIC_UPDATE_SLICE: parts of a tensor at places that are computed. */
#include "geometry.h"
#include "kernels.h"
#include "memory.h"
#include "steps_movement.h"

enum plan_status run_gather_nd(const struct execution *execution, const void *raw) {
    const struct gather_nd_step *step = raw;
    if (step->count < 1 || step->depth < 1 || step->depth > PLAN_RANK || step->slice_bytes < 1) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t index_count = saturating_product((uint32_t)step->count, (uint32_t)step->depth);
    const uint8_t *input = plan_read(execution, step->input, step->input_bytes, 1);
    const int32_t *indices = plan_read(execution, step->indices, saturating_product(index_count, 4), 4);
    uint8_t *output =
        plan_write(execution, step->output, saturating_product((uint32_t)step->count, step->slice_bytes), 1);
    if (input == NULL || indices == NULL || output == NULL || step->slice_bytes > step->input_bytes) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t i = 0; i < step->count; i++) {
        int64_t place = 0;
        for (int32_t axis = 0; axis < step->depth; axis++) {
            /* Each term is below 2^62; what is not inside after the first few is outside after all. */
            place += (int64_t)*indices++ * step->strides[axis];
            if (place > INT32_MAX || place < INT32_MIN) {
                return PLAN_OUT_OF_BOUNDS;
            }
        }
        if (place < 0 || place > (int64_t)(step->input_bytes - step->slice_bytes)) {
            return PLAN_OUT_OF_BOUNDS;
        }
        memcpy(output, input + place, step->slice_bytes);
        output += step->slice_bytes;
    }
    return PLAN_OK;
}

static int64_t index_at(const void *indices, int32_t index_bytes, int32_t axis) {
    return index_bytes == 8 ? ((const int64_t *)indices)[axis] : ((const int32_t *)indices)[axis];
}

static bool update_valid(const struct update_slice_step *step) {
    if (step->rank < 1 || step->rank > PLAN_RANK || (step->index_bytes != 4 && step->index_bytes != 8) ||
        step->element_bytes < 1 || step->element_bytes > 8) {
        return false;
    }
    for (int32_t axis = 0; axis < step->rank; axis++) {
        if (step->shape[axis] < 1 || step->shape[axis] > step->output_shape[axis]) {
            return false;
        }
    }
    return true;
}

enum plan_status run_update_slice(const struct execution *execution, const void *raw) {
    const struct update_slice_step *step = raw;
    if (!update_valid(step)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t element_bytes = (uint32_t)step->element_bytes;
    uint32_t count = shape_elements(step->shape, step->rank);
    const uint8_t *update = plan_read(execution, step->update, saturating_product(count, element_bytes), 1);
    const void *indices = plan_read(execution, step->indices, (uint32_t)(step->rank * step->index_bytes),
                                    (uint32_t)step->index_bytes);
    uint32_t output_bytes = saturating_product(shape_elements(step->output_shape, step->rank), element_bytes);
    uint8_t *output = plan_write(execution, step->output, output_bytes, 1);
    if (update == NULL || indices == NULL || output == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    uint32_t row_bytes = (uint32_t)step->shape[step->rank - 1] * element_bytes;
    uint32_t rows = count / (uint32_t)step->shape[step->rank - 1];
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t place = 0;
        uint32_t stride = element_bytes;
        uint32_t rest = row;
        for (int32_t axis = step->rank - 1; axis >= 0; axis--) {
            int64_t last = step->output_shape[axis] - step->shape[axis];
            int64_t start = index_at(indices, step->index_bytes, axis);
            start = start < 0 ? 0 : start > last ? last : start;
            uint32_t own = 0;
            if (axis < step->rank - 1) {
                own = rest % (uint32_t)step->shape[axis];
                rest /= (uint32_t)step->shape[axis];
            }
            place += ((uint32_t)start + own) * stride;
            stride *= (uint32_t)step->output_shape[axis];
        }
        memcpy(output + place, update, row_bytes);
        update += row_bytes;
    }
    return PLAN_OK;
}
