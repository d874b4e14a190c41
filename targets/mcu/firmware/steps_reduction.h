/* Steps that fold an axis, or go along it: sums, extremes, softmax, norms. */
#ifndef STEPS_REDUCTION_H
#define STEPS_REDUCTION_H

#include "plan_format.h"

/* The input is walked in its own order; strides say which sum each element belongs to (0 along a reduced axis). */
struct mean_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t scratch; /* int32 [output_elements] */
    int32_t shape[PLAN_RANK];
    int32_t stride[PLAN_RANK];
    uint32_t output_elements;
    int32_t bias; /* minus the input zero point times the number of elements averaged */
    int32_t multiplier;
    int32_t shift;
    int32_t output_zero_point;
};

struct mean_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    int32_t shape[PLAN_RANK];
    int32_t stride[PLAN_RANK];
    uint32_t output_elements;
    float divisor;
};

/* table: int32 [256], exp(-i * beta * scale) in Q0.31, 0 where the reference skips the element. */
struct softmax_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t table;
    int32_t rows;
    int32_t depth;
};

struct softmax_int16_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t exponentials; /* int16 [513] */
    uint32_t reciprocals;  /* int16 [513] */
    int32_t rows;
    int32_t depth;
    int32_t multiplier; /* of a difference of two inputs, to 10 / 65535 for a unit */
    int32_t shift;
};

struct softmax_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    int32_t rows;
    int32_t depth;
    float beta;
};

/* Both tables are of how far an int8 value is below the largest. */
struct log_softmax_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t exponentials; /* int32 [256], as of softmax_int8 */
    uint32_t distances;    /* int32 [256], the differences in Q5.26 */
    int32_t rows;
    int32_t depth;
    int32_t lowest_difference; /* what is further below has the lowest result */
    int32_t multiplier;        /* from Q5.26 back to a difference */
    int32_t shift;
};

struct log_softmax_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    int32_t rows;
    int32_t depth;
};

/* Sums along an axis so far: [outer][axis_size][inner]. */
struct cumulative_sum_step {
    struct step_header header;
    uint32_t input;
    uint32_t output; /* may be the input */
    int32_t outer;
    int32_t axis_size;
    int32_t inner;
    int32_t exclusive;
    int32_t reverse;
    int32_t initial;
};

/* input: [outer][axis_size][inner]; output: int32 [outer][inner] */
struct arg_extreme_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    int32_t outer;
    int32_t axis_size;
    int32_t inner;
    int32_t maximum;
};

/* As mean_step, in elements of the type. */
struct reduce_extreme_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    int32_t shape[PLAN_RANK];
    int32_t stride[PLAN_RANK];
    uint32_t output_elements;
    int32_t maximum;
};

struct l2_normalize_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    int32_t rows;
    int32_t depth;
    int32_t zero_point; /* of an int8 input */
};

#endif
