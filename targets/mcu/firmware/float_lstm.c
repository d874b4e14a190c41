/* UNIDIRECTIONAL_SEQUENCE_LSTM in float32, in the reference's order. */
#include "float_math.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_recurrent.h"

enum gate { GATE_FORGET, GATE_INPUT, GATE_CELL, GATE_OUTPUT, GATES };

struct lstm_weights {
    const float *input_weights;
    const float *input_bias;
    const float *recurrent_weights;
};

static float dot_float(const float *weights, const float *values, int32_t count) {
    float sum = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        sum += weights[i] * values[i];
    }
    return sum;
}

static void compute_gate_float(const struct lstm_float_step *step, enum gate gate, const struct lstm_weights *weights,
                         const float *input, const float *hidden, float *result) {
    bool uses_tanh = gate == GATE_CELL && step->cell_activation != 0;
    for (int32_t unit = 0; unit < step->units; unit++) {
        float from_input = dot_float(weights->input_weights + unit * step->features, input, step->features) +
                           weights->input_bias[unit];
        float sum = from_input + dot_float(weights->recurrent_weights + unit * step->units, hidden, step->units);
        result[unit] = uses_tanh ? hyperbolic_tangent(sum) : logistic(sum);
    }
}

static void update_state(const struct lstm_float_step *step, const float *gates, float *cell, float *hidden) {
    for (int32_t unit = 0; unit < step->units; unit++) {
        const float *gate = gates + unit;
        int32_t units = step->units;
        float state = gate[GATE_FORGET * units] * cell[unit] + gate[GATE_INPUT * units] * gate[GATE_CELL * units];
        if (step->cell_clip > 0.0f) {
            state = clamp_float(state, -step->cell_clip, step->cell_clip);
        }
        cell[unit] = state;
        hidden[unit] = hyperbolic_tangent(state) * gate[GATE_OUTPUT * units];
    }
}

enum plan_status run_lstm_float(const struct execution *execution, const void *raw) {
    const struct lstm_float_step *step = raw;
    if (!dimensions_valid(&step->batches, 4)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t units = (uint32_t)step->units;
    uint32_t features = (uint32_t)step->features;
    uint32_t rows = (uint32_t)step->batches * (uint32_t)step->time_steps;
    const float *input =
        plan_read(execution, step->input, saturating_product(saturating_product(rows, features), 4), 4);
    float *output = plan_write(execution, step->output, saturating_product(saturating_product(rows, units), 4), 4);
    float *hidden = plan_write(execution, step->hidden, saturating_product((uint32_t)step->batches * units, 4), 4);
    float *cell = plan_write(execution, step->cell, saturating_product((uint32_t)step->batches * units, 4), 4);
    float *gates = plan_write(execution, step->scratch, GATES * units * 4, 4);
    struct lstm_weights weights[GATES];
    bool bound = input != NULL && output != NULL && hidden != NULL && cell != NULL && gates != NULL;
    for (int gate = 0; gate < GATES; gate++) {
        const struct plan_gate_float *plan = &step->gates[gate];
        weights[gate].input_weights =
            plan_read(execution, plan->input_weights, saturating_product(units * features, 4), 4);
        weights[gate].input_bias = plan_read(execution, plan->input_bias, units * 4, 4);
        weights[gate].recurrent_weights =
            plan_read(execution, plan->recurrent_weights, saturating_product(units * units, 4), 4);
        bound = bound && weights[gate].input_weights != NULL && weights[gate].input_bias != NULL &&
                weights[gate].recurrent_weights != NULL;
    }
    if (!bound) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t batch = 0; batch < step->batches; batch++) {
        float *own_hidden = hidden + batch * step->units;
        for (int32_t time = 0; time < step->time_steps; time++) {
            int32_t row = step->time_major ? time * step->batches + batch : batch * step->time_steps + time;
            for (int gate = 0; gate < GATES; gate++) {
                compute_gate_float(step, (enum gate)gate, &weights[gate], input + row * step->features, own_hidden,
                             gates + gate * step->units);
            }
            update_state(step, gates, cell + batch * step->units, own_hidden);
            for (int32_t unit = 0; unit < step->units; unit++) {
                output[row * step->units + unit] = own_hidden[unit];
            }
        }
    }
    return PLAN_OK;
}
