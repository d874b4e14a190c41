/* SOFTMAX of float32 tensors. */
#include "float_math.h"
#include "kernels.h"
#include "rows_view.h"
#include "steps_reduction.h"

enum plan_status run_softmax_float(const struct execution *execution, const void *raw) {
    const struct softmax_float_step *step = raw;
    if (step->rows < 1 || step->depth < 1) {
        return PLAN_BAD_GEOMETRY;
    }
    struct rows_view view;
    if (!bind_rows(execution, step->input, step->output, step->rows, step->depth, 4, &view)) {
        return PLAN_OUT_OF_BOUNDS;
    }
    const float *input = view.input;
    float *output = view.output;
    for (int32_t row = 0; row < step->rows; row++) {
        float largest = input[0];
        for (int32_t i = 1; i < step->depth; i++) {
            largest = largest < input[i] ? input[i] : largest;
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < step->depth; i++) {
            output[i] = exponential((input[i] - largest) * step->beta);
            sum += output[i];
        }
        for (int32_t i = 0; i < step->depth; i++) {
            output[i] /= sum;
        }
        input += step->depth;
        output += step->depth;
    }
    return PLAN_OK;
}
