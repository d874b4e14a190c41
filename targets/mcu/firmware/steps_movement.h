/* Steps that move values: look-ups, fills, copies, gathers and resizes. */
#ifndef STEPS_MOVEMENT_H
#define STEPS_MOVEMENT_H

#include "plan_format.h"

struct lookup_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t table; /* int8 [256], indexed by the input's bits */
    uint32_t elements;
};

struct fill_step {
    struct step_header header;
    uint32_t output;
    uint32_t bytes;
    uint32_t pattern; /* a 32-bit word, repeated; a byte value is repeated four times in it */
};

/* Strides in bytes, negative ones allowed; `input` and `output` are the references of element 0. */
struct copy_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    int32_t element_bytes; /* 1, 2, 4 or 8 */
    int32_t shape[PLAN_RANK];
    int32_t input_stride[PLAN_RANK];
    int32_t output_stride[PLAN_RANK];
};

/* output[b][o][c] = input[b][o][indices[b][c]], each of `inner_bytes`; an index outside the axis ends the inference. */
struct gather_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t indices; /* int32 [batches][count] */
    int32_t batches;
    int32_t outer;
    int32_t axis_size;
    int32_t count;
    int32_t inner_bytes;
};

/* output[i] = the part of the input where indices[i] leads, of `slice_bytes`; one outside ends the inference. */
struct gather_nd_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t indices; /* int32 [count][depth] */
    int32_t count;
    int32_t depth; /* at most PLAN_RANK */
    int32_t strides[PLAN_RANK]; /* in bytes, of each index */
    uint32_t slice_bytes;
    uint32_t input_bytes;
};

/* Puts `update` into the output, from indices that are held to the places where all of it is inside. */
struct update_slice_step {
    struct step_header header;
    uint32_t update;
    uint32_t indices; /* int32 or int64 [rank] */
    uint32_t output;
    int32_t rank; /* at most PLAN_RANK */
    int32_t index_bytes;
    int32_t element_bytes;
    int32_t shape[PLAN_RANK];         /* of the update, from its first axis on */
    int32_t output_shape[PLAN_RANK];
};

/* The two rows (or columns) of the input that one of the output lies between, and how far it is from the first. */
struct plan_interpolation_int8 {
    int32_t lower;
    int32_t upper;
    int32_t fraction; /* in 1/1024 */
};

struct plan_interpolation_float {
    int32_t lower;
    int32_t upper;
    float fraction;
};

struct plan_resize {
    uint32_t input;
    uint32_t output;
    uint32_t rows;    /* of the type's interpolation, [output_height] */
    uint32_t columns; /* likewise, [output_width] */
    int32_t batches;
    int32_t input_height;
    int32_t input_width;
    int32_t channels;
    int32_t output_height;
    int32_t output_width;
};

struct resize_int8_step {
    struct step_header header;
    struct plan_resize image;
};

struct resize_float_step {
    struct step_header header;
    struct plan_resize image;
};

#endif
