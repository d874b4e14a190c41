/* UNIDIRECTIONAL_SEQUENCE_LSTM with int16 activations and cell state, and int8 weights.
 *
 * Gates are computed in Q3.12 and activated to Q0.15 by a table of 256 sigmoid values with linear interpolation; the
 * same table gives tanh(x) = 2 sigmoid(2x) - 1. */
#include "geometry.h"
#include "kernels.h"
#include "lstm_cell.h"

struct lstm_weights {
    const int8_t *input_weights;
    const uint32_t *input_bias;
    const int8_t *recurrent_weights;
};

static int64_t dot_wide(const int8_t *weights, const int16_t *values, int32_t count, int64_t sum) {
    for (int32_t i = 0; i < count; i++) {
        sum = (int64_t)((uint64_t)sum + (uint64_t)(int64_t)(weights[i] * values[i]));
    }
    return sum;
}

static void compute_gate_int16(const struct lstm_int16_step *step, enum gate gate, const struct lstm_weights *weights,
                         const uint16_t *table, const int16_t *input, const int16_t *hidden, int16_t *result) {
    const struct plan_gate_int16 *plan = &step->gates[gate];
    bool uses_tanh = gate == GATE_CELL && step->update.cell_activation != 0;
    for (int32_t unit = 0; unit < step->units; unit++) {
        int64_t bias = (int64_t)((uint64_t)weights->input_bias[2 * unit + 1] << 32 | weights->input_bias[2 * unit]);
        int64_t from_input = dot_wide(weights->input_weights + unit * step->features, input, step->features, bias);
        int64_t from_hidden = dot_wide(weights->recurrent_weights + unit * step->units, hidden, step->units, 0);
        int32_t sum =
            saturate16(saturate16(requantize_wide(from_input, plan->input_multiplier, plan->input_shift)) +
                       saturate16(requantize_wide(from_hidden, plan->recurrent_multiplier, plan->recurrent_shift)));
        result[unit] = (int16_t)(uses_tanh ? tanh16(table, sum * 3) : sigmoid16(table, sum * 3));
    }
}

static bool int16_step_valid(const struct lstm_int16_step *step) {
    bool valid = dimensions_valid(&step->batches, 4) && cell_update_valid(&step->update);
    for (int gate = 0; gate < GATES; gate++) {
        valid = valid && wide_rescaling_valid(step->gates[gate].input_multiplier, step->gates[gate].input_shift) &&
                wide_rescaling_valid(step->gates[gate].recurrent_multiplier, step->gates[gate].recurrent_shift);
    }
    return valid;
}

enum plan_status run_lstm_int16(const struct execution *execution, const void *raw) {
    const struct lstm_int16_step *step = raw;
    if (!int16_step_valid(step)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t units = (uint32_t)step->units;
    uint32_t features = (uint32_t)step->features;
    uint32_t rows = (uint32_t)step->batches * (uint32_t)step->time_steps;
    const int16_t *input =
        plan_read(execution, step->input, saturating_product(saturating_product(rows, features), 2), 2);
    int16_t *output =
        plan_write(execution, step->output, saturating_product(saturating_product(rows, units), 2), 2);
    int16_t *hidden = plan_write(execution, step->hidden, (uint32_t)step->batches * units * 2, 2);
    int16_t *cell = plan_write(execution, step->cell, (uint32_t)step->batches * units * 2, 2);
    int16_t *gates = plan_write(execution, step->scratch, GATES * units * 2, 2);
    const uint16_t *table = plan_read(execution, step->sigmoid_table, 256 * 2, 2);
    struct lstm_weights weights[GATES];
    bool bound = input != NULL && output != NULL && hidden != NULL && cell != NULL && gates != NULL && table != NULL;
    for (int gate = 0; gate < GATES; gate++) {
        const struct plan_gate_int16 *plan = &step->gates[gate];
        weights[gate].input_weights = plan_read(execution, plan->input_weights, units * features, 1);
        weights[gate].input_bias = plan_read(execution, plan->input_bias, units * 8, 4);
        weights[gate].recurrent_weights = plan_read(execution, plan->recurrent_weights, units * units, 1);
        bound = bound && weights[gate].input_weights != NULL && weights[gate].input_bias != NULL &&
                weights[gate].recurrent_weights != NULL;
    }
    if (!bound) {
        return PLAN_OUT_OF_BOUNDS;
    }
    for (int32_t batch = 0; batch < step->batches; batch++) {
        int16_t *own_hidden = hidden + batch * step->units;
        for (int32_t time = 0; time < step->time_steps; time++) {
            int32_t row = step->time_major ? time * step->batches + batch : batch * step->time_steps + time;
            for (int gate = 0; gate < GATES; gate++) {
                compute_gate_int16(step, (enum gate)gate, &weights[gate], table, input + row * step->features, own_hidden,
                             gates + gate * step->units);
            }
            for (int32_t unit = 0; unit < step->units; unit++) {
                int32_t state = update_cell(&step->update, table, gates + unit, step->units,
                                            &cell[batch * step->units + unit]);
                own_hidden[unit] = (int16_t)clamp(state, INT16_MIN, INT16_MAX);
                output[row * step->units + unit] = own_hidden[unit];
            }
        }
    }
    return PLAN_OK;
}
