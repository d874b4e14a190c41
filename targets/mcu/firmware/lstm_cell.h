/* The part of an LSTM that is the same for int8 and int16 activations: from the gates of a unit, in Q0.15, to its states. */
#ifndef LSTM_CELL_H
#define LSTM_CELL_H

#include <stdbool.h>

#include "fixed_point.h"
#include "sigmoid_curve.h"
#include "steps_recurrent.h"

enum gate { GATE_FORGET, GATE_INPUT, GATE_CELL, GATE_OUTPUT, GATES };

static inline int32_t saturate16(int32_t x) {
    return clamp(x, INT16_MIN, INT16_MAX);
}

static inline bool rescaling_valid(int32_t multiplier, int32_t shift) {
    return multiplier >= 0 && shift_valid(shift);
}

static inline bool cell_update_valid(const struct plan_cell_update *update) {
    return update->tanh_multiplier >= 0 && update->tanh_multiplier <= 3 << 8 && update->tanh_shift >= 0 &&
           update->tanh_shift <= 15 && update->cell_clip <= INT16_MAX &&
           rescaling_valid(update->forget_multiplier, update->forget_shift) &&
           rescaling_valid(update->input_multiplier, update->input_shift) &&
           rescaling_valid(update->output_multiplier, update->output_shift);
}

/* Updates a unit's cell state and returns its hidden one, not yet clamped. `gate` is the unit's first of four gates,
 * `units` apart. */
static inline int32_t update_cell(const struct plan_cell_update *update, const uint16_t *table, const int16_t *gate,
                                  int32_t units, int16_t *cell) {
    int32_t kept = saturate16(requantize(gate[GATE_FORGET * units] * *cell, update->forget_multiplier,
                                         update->forget_shift));
    int32_t added = saturate16(requantize(gate[GATE_INPUT * units] * gate[GATE_CELL * units],
                                          update->input_multiplier, update->input_shift));
    int32_t state = saturate16(kept + added);
    if (update->cell_clip > 0) {
        state = clamp(state, -update->cell_clip, update->cell_clip);
    }
    *cell = (int16_t)state;
    int32_t round = update->tanh_shift > 0 ? 1 << (update->tanh_shift - 1) : 0;
    int32_t activated = tanh16(table, (state * update->tanh_multiplier + round) >> update->tanh_shift);
    int32_t output =
        requantize(activated * gate[GATE_OUTPUT * units], update->output_multiplier, update->output_shift);
    return (int32_t)((uint32_t)output + (uint32_t)update->output_zero_point);
}

#endif
