/* The executor as a host library, for tests: one call checks a plan and runs it once. */
#include "executor.h"
#include "float_math.h"
#include "float_wave.h"
#include "memory.h"

/* `inputs` and `outputs` are the tensors one after the other; `fresh` is 0 where states are kept as the last call left
 * them; returns an enum plan_status. */
int host_run(const void *plan, uint32_t plan_bytes, void *arena, uint32_t arena_bytes, int fresh,
             const uint8_t *inputs, uint8_t *outputs);
float host_exponential(float x);
float host_hyperbolic_tangent(float x);
float host_logistic(float x);
float host_square_root(float x);
float host_natural_logarithm(float x);
float host_sine(float x);
float host_cosine(float x);

int host_run(const void *plan, uint32_t plan_bytes, void *arena, uint32_t arena_bytes, int fresh,
             const uint8_t *inputs, uint8_t *outputs) {
    struct execution execution;
    enum plan_status status = plan_open(&execution, plan, plan_bytes, arena, arena_bytes);
    if (status != PLAN_OK) {
        return (int)status;
    }
    if (!fresh) {
        execution.fresh_states = 0;
    }
    const struct plan_buffer *buffers = plan_inputs(&execution);
    for (uint32_t i = 0; i < execution.header->input_count; i++) {
        memcpy(execution.arena + buffers[i].reference, inputs, buffers[i].bytes);
        inputs += buffers[i].bytes;
    }
    status = plan_run(&execution, NULL, NULL);
    if (status != PLAN_OK) {
        return (int)status;
    }
    buffers = plan_outputs(&execution);
    for (uint32_t i = 0; i < execution.header->output_count; i++) {
        memcpy(outputs, plan_read(&execution, buffers[i].reference, buffers[i].bytes, 1), buffers[i].bytes);
        outputs += buffers[i].bytes;
    }
    return PLAN_OK;
}

float host_exponential(float x) {
    return exponential(x);
}

float host_hyperbolic_tangent(float x) {
    return hyperbolic_tangent(x);
}

float host_logistic(float x) {
    return logistic(x);
}

float host_square_root(float x) {
    return square_root(x);
}

float host_natural_logarithm(float x) {
    return natural_logarithm(x);
}

float host_sine(float x) {
    return sine(x);
}

float host_cosine(float x) {
    return cosine(x);
}
