/* Steps that remember: LSTM and SVDF. */
#ifndef STEPS_RECURRENT_H
#define STEPS_RECURRENT_H

#include "plan_format.h"

/* One gate of an LSTM: two matrix products, each requantised to int16 and then added. Gates are in the order forget,
 * input, cell, output. Biases hold the offset correction, as in plan_channel. */
struct plan_gate_int8 {
    uint32_t input_weights;     /* int8 [units][features] */
    uint32_t input_bias;        /* int32 [units] */
    uint32_t recurrent_weights; /* int8 [units][units] */
    uint32_t recurrent_bias;    /* int32 [units] */
    int32_t input_multiplier;
    int32_t input_shift;
    int32_t recurrent_multiplier;
    int32_t recurrent_shift;
};

/* What becomes of the gates of a unit: its cell state, and its hidden one. */
struct plan_cell_update {
    int32_t cell_activation; /* 0 sigmoid, 1 tanh */
    int32_t cell_clip;       /* 0 for none */
    int32_t tanh_multiplier; /* of the cell state, before the table */
    int32_t tanh_shift;
    int32_t forget_multiplier;
    int32_t forget_shift;
    int32_t input_multiplier;
    int32_t input_shift;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t output_zero_point;
};

struct lstm_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t hidden;        /* int8 [batches][units], a state */
    uint32_t cell;          /* int16 [batches][units], a state */
    uint32_t scratch;       /* int16 [4][units] */
    uint32_t sigmoid_table; /* uint16 [256] */
    int32_t batches;
    int32_t time_steps;
    int32_t features;
    int32_t units;
    int32_t time_major;
    struct plan_gate_int8 gates[4];
    struct plan_cell_update update;
};

/* As plan_gate_int8, of int16 activations with the zero point 0: one bias, and multipliers in Q0.15. */
struct plan_gate_int16 {
    uint32_t input_weights;     /* int8 [units][features] */
    uint32_t input_bias;        /* int32 [units][2], 64 bits in two words, the low one first */
    uint32_t recurrent_weights; /* int8 [units][units] */
    int32_t input_multiplier;
    int32_t input_shift;
    int32_t recurrent_multiplier;
    int32_t recurrent_shift;
};

struct lstm_int16_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t hidden;        /* int16 [batches][units], a state */
    uint32_t cell;          /* int16 [batches][units], a state */
    uint32_t scratch;       /* int16 [4][units] */
    uint32_t sigmoid_table; /* uint16 [256] */
    int32_t batches;
    int32_t time_steps;
    int32_t features;
    int32_t units;
    int32_t time_major;
    struct plan_gate_int16 gates[4];
    struct plan_cell_update update;
};

struct plan_gate_float {
    uint32_t input_weights;
    uint32_t input_bias;
    uint32_t recurrent_weights;
};

struct lstm_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t hidden;
    uint32_t cell;
    uint32_t scratch; /* float [4][units] */
    int32_t batches;
    int32_t time_steps;
    int32_t features;
    int32_t units;
    int32_t time_major;
    struct plan_gate_float gates[4];
    int32_t cell_activation;
    float cell_clip;
};

/* Filters are in the order of their units, `rank` to each. */
struct svdf_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t state;           /* int16, or int8 with a zero point, [batches][filters][memory] */
    uint32_t feature_weights; /* int8 [filters][features] */
    uint32_t feature_bias;    /* int32 [filters], the offset correction */
    uint32_t time_weights;    /* of the state's type, [filters][memory] */
    uint32_t bias;            /* int32 [units] */
    int32_t batches;
    int32_t features;
    int32_t units;
    int32_t rank;
    int32_t memory;
    int32_t feature_multiplier;
    int32_t feature_shift;
    int32_t time_multiplier;
    int32_t time_shift;
    int32_t output_zero_point;
    int32_t state_zero_point; /* 0 of an int16 one */
};

struct svdf_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t state; /* float [batches][filters][memory] */
    uint32_t feature_weights;
    uint32_t time_weights;
    uint32_t bias; /* float [units] */
    int32_t batches;
    int32_t features;
    int32_t units;
    int32_t rank;
    int32_t memory;
    float minimum;
    float maximum;
};

#endif
