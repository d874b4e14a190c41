/* Steps that take their inputs element by element. */
#ifndef STEPS_ELEMENTWISE_H
#define STEPS_ELEMENTWISE_H

#include "plan_format.h"

enum add_operation { ADD_PLAIN = 0, ADD_SUBTRACT = 1, ADD_SQUARED_DIFFERENCE = 2 };

/* Of int8 or int16, as the three that follow. */
struct add_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    struct plan_broadcast broadcast;
    int32_t offset1;
    int32_t multiplier1;
    int32_t shift1;
    int32_t offset2;
    int32_t multiplier2;
    int32_t shift2;
    int32_t operation;
    int32_t multiplier;
    int32_t shift;
    int32_t output_zero_point;
    int32_t minimum;
    int32_t maximum;
};

struct multiply_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    struct plan_broadcast broadcast;
    int32_t offset1;
    int32_t offset2;
    int32_t multiplier;
    int32_t shift;
    int32_t output_zero_point;
    int32_t minimum;
    int32_t maximum;
};

enum binary_operation {
    BINARY_ADD = 0,
    BINARY_SUBTRACT = 1,
    BINARY_MULTIPLY = 2,
    BINARY_SQUARED_DIFFERENCE = 3,
    BINARY_DIVIDE = 4,
    BINARY_MINIMUM = 5,
    BINARY_MAXIMUM = 6,
    BINARY_PRELU = 7,
    BINARY_FLOOR_DIVIDE = 8,
    BINARY_OPERATION_END = 9
};

struct elementwise_float_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    struct plan_broadcast broadcast;
    int32_t operation; /* enum binary_operation */
    float minimum;
    float maximum;
};

enum unary_operation {
    UNARY_LOGISTIC = 0,
    UNARY_TANH = 1,
    UNARY_CLAMP = 2,
    UNARY_LEAKY_RELU = 3,
    UNARY_NEGATE = 4,
    UNARY_ABSOLUTE = 5,
    UNARY_INVERSE_SQUARE_ROOT = 6,
    UNARY_HARD_SWISH = 7,
    UNARY_ELU = 8,
    UNARY_EXPONENTIAL = 9,
    UNARY_SQUARE_ROOT = 10,
    UNARY_SQUARE = 11,
    UNARY_FLOOR = 12,
    UNARY_CEILING = 13,
    UNARY_ROUND = 14,
    UNARY_LOGARITHM = 15,
    UNARY_OPERATION_END = 16
};

struct unary_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t elements;
    int32_t operation; /* enum unary_operation */
    float first;  /* lower bound of a clamp, slope of a leaky ReLU */
    float second; /* upper bound of a clamp */
};

/* input[i] less its zero point, times one of two factors by its sign, plus the output's zero point. */
enum rescale_below { BELOW_SCALED = 0, BELOW_SCALED_NEGATED = 1, BELOW_NEGATED_SCALED = 2, RESCALE_BELOW_END = 3 };

struct rescale_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t elements;
    int32_t from; /* enum cast_type: CAST_INT8, CAST_INT16 or CAST_INT32 */
    int32_t to;   /* likewise */
    int32_t input_zero_point;
    int32_t multiplier;
    int32_t shift;
    int32_t below; /* enum rescale_below */
    int32_t negative_multiplier;
    int32_t negative_shift;
    int32_t output_zero_point;
    int32_t minimum;
    int32_t maximum;
};

enum curve { CURVE_SIGMOID = 0, CURVE_TANH = 1, CURVE_END = 2 };

/* int16 values times multiplier / 2^shift enter the table with 1/12288 for a unit. */
struct curve_int16_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t table; /* uint16 [256], the sigmoid */
    uint32_t elements;
    int32_t curve;
    int32_t multiplier;
    int32_t shift;
};

enum integer_operation {
    INTEGER_ADD = 0,
    INTEGER_SUBTRACT = 1,
    INTEGER_MULTIPLY = 2,
    INTEGER_SQUARED_DIFFERENCE = 3,
    INTEGER_MINIMUM = 4,
    INTEGER_MAXIMUM = 5,
    INTEGER_OPERATION_END = 6
};

/* Of int32 that stands for itself; what overflows wraps. */
struct elementwise_int32_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    struct plan_broadcast broadcast;
    int32_t operation;
    int32_t minimum;
    int32_t maximum;
};

struct wave_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t elements;
    int32_t cosine; /* else the sine */
};

struct floor_mod_float_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    struct plan_broadcast broadcast;
};

struct quantize_step {
    struct step_header header;
    uint32_t input;  /* float */
    uint32_t output; /* int8 or int16 */
    uint32_t elements;
    float scale;
    int32_t zero_point;
};

struct dequantize_step {
    struct step_header header;
    uint32_t input;  /* int8 */
    uint32_t output; /* float */
    uint32_t table;  /* float [256], indexed by the input's bits */
    uint32_t elements;
};

struct dequantize_int16_step {
    struct step_header header;
    uint32_t input;
    uint32_t output; /* float */
    uint32_t elements;
    float scale;
    int32_t zero_point;
};

enum cast_type { CAST_INT8 = 0, CAST_INT16 = 1, CAST_INT32 = 2, CAST_FLOAT = 3, CAST_BOOL = 4, CAST_TYPE_END = 5 };

struct cast_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t elements;
    int32_t from;
    int32_t to;
};

/* The larger or smaller of two values as they are stored: scales are the same, or do not matter. */
struct extreme_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    struct plan_broadcast broadcast;
    int32_t maximum;
};

struct prelu_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2; /* the slopes */
    uint32_t output;
    struct plan_broadcast broadcast;
    int32_t offset1;
    int32_t offset2;
    int32_t positive_multiplier;
    int32_t positive_shift;
    int32_t multiplier; /* of a negative value times its slope */
    int32_t shift;
    int32_t output_zero_point;
};

enum comparison { COMPARE_EQUAL = 0, COMPARE_NOT_EQUAL = 1, COMPARE_GREATER = 2, COMPARE_GREATER_EQUAL = 3, COMPARE_LESS = 4,
                  COMPARE_LESS_EQUAL = 5, COMPARISON_END = 6 };

/* Values are compared by their places in one order, which the tables give for each input's bits. Results are bytes, 0 or
 * 1. */
struct compare_int8_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    uint32_t table1; /* int16 [256] */
    uint32_t table2;
    struct plan_broadcast broadcast;
    int32_t comparison;
};

/* Of float or int32. */
struct compare_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    struct plan_broadcast broadcast;
    int32_t comparison;
};

/* An element of the first input where the condition (bytes) is not 0, of the second where it is; all of one shape. */
struct select_step {
    struct step_header header;
    uint32_t condition;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    uint32_t elements;
    int32_t element_bytes; /* 1, 2 or 4 */
};

#endif
