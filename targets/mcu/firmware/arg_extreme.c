/* ARG_MAX and ARG_MIN: the place of the first largest or smallest value along an axis. */
#include "geometry.h"
#include "kernels.h"
#include "steps_reduction.h"

static bool bind(const struct execution *execution, const struct arg_extreme_step *step, uint32_t element_bytes,
                 const void **input, int32_t **output) {
    uint32_t lines = saturating_product((uint32_t)step->outer, (uint32_t)step->inner);
    uint32_t elements = saturating_product(lines, (uint32_t)step->axis_size);
    *input = plan_read(execution, step->input, saturating_product(elements, element_bytes), element_bytes);
    *output = plan_write(execution, step->output, saturating_product(lines, 4), 4);
    return *input != NULL && *output != NULL;
}

static bool sizes_valid(const struct arg_extreme_step *step) {
    return step->outer >= 1 && step->axis_size >= 1 && step->inner >= 1;
}

enum plan_status run_arg_extreme_int8(const struct execution *execution, const void *raw) {
    const struct arg_extreme_step *step = raw;
    const void *bytes;
    int32_t *output;
    if (!sizes_valid(step)) {
        return PLAN_BAD_GEOMETRY;
    }
    if (!bind(execution, step, 1, &bytes, &output)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const int8_t *input = bytes;
    for (int32_t outer = 0; outer < step->outer; outer++) {
        for (int32_t inner = 0; inner < step->inner; inner++) {
            int32_t best = 0;
            for (int32_t i = 1; i < step->axis_size; i++) {
                int32_t difference = input[i * step->inner + inner] - input[best * step->inner + inner];
                best = (step->maximum ? difference : -difference) > 0 ? i : best;
            }
            *output++ = best;
        }
        input += step->axis_size * step->inner;
    }
    return PLAN_OK;
}

enum plan_status run_arg_extreme_float(const struct execution *execution, const void *raw) {
    const struct arg_extreme_step *step = raw;
    const void *bytes;
    int32_t *output;
    if (!sizes_valid(step)) {
        return PLAN_BAD_GEOMETRY;
    }
    if (!bind(execution, step, 4, &bytes, &output)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const float *input = bytes;
    for (int32_t outer = 0; outer < step->outer; outer++) {
        for (int32_t inner = 0; inner < step->inner; inner++) {
            int32_t best = 0;
            for (int32_t i = 1; i < step->axis_size; i++) {
                float value = input[i * step->inner + inner];
                float known = input[best * step->inner + inner];
                best = (step->maximum ? value > known : value < known) ? i : best;
            }
            *output++ = best;
        }
        input += step->axis_size * step->inner;
    }
    return PLAN_OK;
}
