/* SVDF in float32, added up in the reference's order. */
#include "float_math.h"
#include "geometry.h"
#include "kernels.h"
#include "memory.h"
#include "steps_recurrent.h"

static float dot_of_floats(const float *a, const float *b, uint32_t count) {
    float sum = 0.0f;
    for (uint32_t i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

enum plan_status run_svdf_float(const struct execution *execution, const void *raw) {
    const struct svdf_float_step *step = raw;
    if (!dimensions_valid(&step->batches, 5)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t filters = (uint32_t)step->units * (uint32_t)step->rank;
    uint32_t memory_size = (uint32_t)step->memory;
    uint32_t features = (uint32_t)step->features;
    uint32_t weights_over_time = saturating_product(filters, memory_size);
    uint32_t states = saturating_product((uint32_t)step->batches, weights_over_time);
    const float *input =
        plan_read(execution, step->input, saturating_product((uint32_t)step->batches * features, 4), 4);
    float *output =
        plan_write(execution, step->output, saturating_product((uint32_t)step->batches * (uint32_t)step->units, 4), 4);
    float *state = plan_write(execution, step->state, saturating_product(states, 4), 4);
    const float *feature_weights =
        plan_read(execution, step->feature_weights, saturating_product(saturating_product(filters, features), 4), 4);
    const float *time_weights =
        plan_read(execution, step->time_weights, saturating_product(weights_over_time, 4), 4);
    const float *bias = plan_read(execution, step->bias, (uint32_t)step->units * 4, 4);
    if (input == NULL || output == NULL || state == NULL || feature_weights == NULL || time_weights == NULL ||
        bias == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    memmove(state, state + 1, (states - 1) * 4);
    for (int32_t batch = 0; batch < step->batches; batch++) {
        for (uint32_t filter = 0; filter < filters; filter++) {
            state[filter * memory_size + memory_size - 1] =
                dot_of_floats(feature_weights + filter * features, input, features);
        }
        for (uint32_t unit = 0; unit < (uint32_t)step->units; unit++) {
            float sum = bias[unit];
            for (uint32_t rank = 0; rank < (uint32_t)step->rank; rank++) {
                uint32_t place = (unit * (uint32_t)step->rank + rank) * memory_size;
                sum += dot_of_floats(time_weights + place, state + place, memory_size);
            }
            *output++ = clamp_float(sum, step->minimum, step->maximum);
        }
        input += features;
        state += filters * memory_size;
    }
    return PLAN_OK;
}
