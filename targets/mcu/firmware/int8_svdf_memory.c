/* SVDF of int8 with an int8 memory, otherwise as int8_svdf.c. */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"
#include "memory.h"
#include "steps_recurrent.h"

static int32_t weigh_memory8(const int8_t *weights, const int8_t *memory, int32_t zero_point, int32_t count) {
    uint32_t sum = 0; /* wraps, as the reference does */
    for (int32_t i = 0; i < count; i++) {
        sum += (uint32_t)(weights[i] * (memory[i] - zero_point));
    }
    return (int32_t)sum;
}

enum plan_status run_svdf_memory8(const struct execution *execution, const void *raw) {
    const struct svdf_step *step = raw;
    if (!dimensions_valid(&step->batches, 5) || step->feature_multiplier < 0 || step->time_multiplier < 0 ||
        !shift_valid(step->feature_shift) || !shift_valid(step->time_shift) || step->state_zero_point < INT8_MIN ||
        step->state_zero_point > INT8_MAX) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t filters = (uint32_t)step->units * (uint32_t)step->rank;
    uint32_t memory_size = (uint32_t)step->memory;
    uint32_t states = saturating_product((uint32_t)step->batches, saturating_product(filters, memory_size));
    uint32_t features = (uint32_t)step->features;
    const int8_t *input = plan_read(execution, step->input, (uint32_t)step->batches * features, 1);
    int8_t *output = plan_write(execution, step->output, (uint32_t)step->batches * (uint32_t)step->units, 1);
    int8_t *state = plan_write(execution, step->state, states, 1);
    const int8_t *feature_weights = plan_read(execution, step->feature_weights, saturating_product(filters, features), 1);
    const int32_t *feature_bias = plan_read(execution, step->feature_bias, saturating_product(filters, 4), 4);
    const int8_t *time_weights = plan_read(execution, step->time_weights, saturating_product(filters, memory_size), 1);
    const int32_t *bias = plan_read(execution, step->bias, (uint32_t)step->units * 4, 4);
    if (input == NULL || output == NULL || state == NULL || feature_weights == NULL || feature_bias == NULL ||
        time_weights == NULL || bias == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    memmove(state, state + 1, states - 1);
    for (int32_t batch = 0; batch < step->batches; batch++) {
        const int8_t *weights = feature_weights;
        const int8_t *weights_over_time = time_weights;
        for (int32_t unit = 0; unit < step->units; unit++) {
            uint32_t sum = (uint32_t)bias[unit];
            for (int32_t rank = 0; rank < step->rank; rank++) {
                uint32_t product = (uint32_t)feature_bias[unit * step->rank + rank];
                for (uint32_t i = 0; i < features; i++) {
                    product += (uint32_t)(*weights++ * input[i]);
                }
                int32_t scaled = requantize((int32_t)product, step->feature_multiplier, step->feature_shift);
                /* Wraps where the zero point is not 0, as in the reference. */
                state[memory_size - 1] = (int8_t)(clamp(scaled, INT8_MIN, INT8_MAX) + step->state_zero_point);
                sum += (uint32_t)weigh_memory8(weights_over_time, state, step->state_zero_point, step->memory);
                weights_over_time += memory_size;
                state += memory_size;
            }
            int32_t value = requantize_any((int32_t)sum, step->time_multiplier, step->time_shift);
            *output++ = (int8_t)clamp((int32_t)((uint32_t)value + (uint32_t)step->output_zero_point), INT8_MIN, INT8_MAX);
        }
        input += features;
    }
    return PLAN_OK;
}
