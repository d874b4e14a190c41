/* CUMSUM of float32 and int32: what stood before at each place of an axis, with or without its own value. */
#include "geometry.h"
#include "kernels.h"
#include "steps_reduction.h"

static bool bind_lines(const struct execution *execution, const struct cumulative_sum_step *step, const void **input,
                 void **output) {
    uint32_t elements = saturating_product(saturating_product((uint32_t)step->outer, (uint32_t)step->axis_size),
                                           (uint32_t)step->inner);
    *input = plan_read(execution, step->input, saturating_product(elements, 4), 4);
    *output = plan_write(execution, step->output, saturating_product(elements, 4), 4);
    return *input != NULL && *output != NULL;
}

static bool line_sizes_valid(const struct cumulative_sum_step *step) {
    return step->outer >= 1 && step->axis_size >= 1 && step->inner >= 1;
}

/* Place of the `i`th value of a line that starts at `first`, in the order in which they are added. */
static int32_t place_of(const struct cumulative_sum_step *step, int32_t first, int32_t i) {
    return first + (step->reverse ? step->axis_size - 1 - i : i) * step->inner;
}

static int32_t line_start(const struct cumulative_sum_step *step, int32_t line) {
    return line / step->inner * step->axis_size * step->inner + line % step->inner;
}

enum plan_status run_cumulative_sum_float(const struct execution *execution, const void *raw) {
    const struct cumulative_sum_step *step = raw;
    const void *source;
    void *target;
    if (!line_sizes_valid(step)) {
        return PLAN_BAD_GEOMETRY;
    }
    if (!bind_lines(execution, step, &source, &target)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const float *input = source;
    float *output = target;
    for (int32_t line = 0; line < step->outer * step->inner; line++) {
        float sum = 0.0f;
        for (int32_t i = 0; i < step->axis_size; i++) {
            int32_t place = place_of(step, line_start(step, line), i);
            float next = sum + input[place];
            output[place] = step->exclusive ? sum : next;
            sum = next;
        }
    }
    return PLAN_OK;
}

enum plan_status run_cumulative_sum_int32(const struct execution *execution, const void *raw) {
    const struct cumulative_sum_step *step = raw;
    const void *source;
    void *target;
    if (!line_sizes_valid(step)) {
        return PLAN_BAD_GEOMETRY;
    }
    if (!bind_lines(execution, step, &source, &target)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const int32_t *input = source;
    int32_t *output = target;
    for (int32_t line = 0; line < step->outer * step->inner; line++) {
        uint32_t sum = (uint32_t)step->initial;
        for (int32_t i = 0; i < step->axis_size; i++) {
            int32_t place = place_of(step, line_start(step, line), i);
            uint32_t next = sum + (uint32_t)input[place];
            output[place] = (int32_t)(step->exclusive ? sum : next);
            sum = next;
        }
    }
    return PLAN_OK;
}
