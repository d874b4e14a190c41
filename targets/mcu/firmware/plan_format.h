/* The binary plan: what the planner (targets/mcu/plan) writes and the executor runs in place.
 *
 * Everything is little-endian and made of 32-bit words; the blob starts on a 16-byte boundary. A header is followed
 * by the input table, the output table, the state table, the steps, and the constants (16-byte aligned).
 *
 * A reference names a buffer: bit 31 set means "byte offset into the constants", clear "byte offset into the arena".
 * A step is a header and its fields; its size says how far the next one is. One model operator becomes zero steps (a
 * reshape), one, or several (a concatenation): `operator_index` says whose work it is.
 *
 * targets/mcu/plan/format.py holds the same layout; a test compares the two.
 */
#ifndef PLAN_FORMAT_H
#define PLAN_FORMAT_H

#include <stdint.h>

#define PLAN_MAGIC 0x4e4c5048u /* "HPLN" */
#define PLAN_VERSION 1u
#define PLAN_CONSTANT_BIT 0x80000000u
#define PLAN_RANK 5

struct plan_header {
    uint32_t magic;
    uint32_t version;
    uint32_t total_bytes;
    uint32_t crc32; /* of every byte after this word */
    uint32_t arena_bytes;
    uint32_t operator_count;
    uint32_t input_count;
    uint32_t inputs_offset; /* of struct plan_buffer[] */
    uint32_t output_count;
    uint32_t outputs_offset;
    uint32_t state_count;
    uint32_t states_offset;
    uint32_t step_count;
    uint32_t steps_offset;
    uint32_t constants_offset;
    uint32_t constants_bytes;
};

/* `fill` is used for states alone: the byte each inference starts with. */
struct plan_buffer {
    uint32_t reference;
    uint32_t bytes;
    uint32_t fill;
};

struct step_header {
    uint32_t kind;
    uint32_t words; /* of the whole step, this header included */
    uint32_t operator_index;
};

enum step_kind {
    STEP_CONVOLUTION_INT8 = 1,
    STEP_DEPTHWISE_INT8 = 2,
    STEP_AVERAGE_POOL_INT8 = 3,
    STEP_MAX_POOL_INT8 = 4,
    STEP_ADD_INT8 = 5,
    STEP_MULTIPLY_INT8 = 6,
    STEP_MEAN_INT8 = 7,
    STEP_SOFTMAX_INT8 = 8,
    STEP_LOOKUP_INT8 = 9,
    STEP_FILL = 10,
    STEP_COPY = 11,
    STEP_MATRIX_INT8 = 12,
    STEP_LSTM_INT8 = 13,
    STEP_CONVOLUTION_FLOAT = 14,
    STEP_DEPTHWISE_FLOAT = 15,
    STEP_POOL_FLOAT = 16,
    STEP_ELEMENTWISE_FLOAT = 17,
    STEP_MEAN_FLOAT = 18,
    STEP_SOFTMAX_FLOAT = 19,
    STEP_UNARY_FLOAT = 20,
    STEP_MATRIX_FLOAT = 21,
    STEP_QUANTIZE = 22,
    STEP_DEQUANTIZE = 23,
    STEP_LSTM_FLOAT = 24,
    STEP_GATHER = 25,
    STEP_RESIZE_INT8 = 26,
    STEP_RESIZE_FLOAT = 27,
    STEP_EXTREME_INT8 = 28,
    STEP_PRELU_INT8 = 29,
    STEP_ARG_EXTREME_INT8 = 30,
    STEP_ARG_EXTREME_FLOAT = 31,
    STEP_CAST = 32,
    STEP_REDUCE_EXTREME_INT8 = 33,
    STEP_REDUCE_EXTREME_FLOAT = 34,
    STEP_L2_NORMALIZE_INT8 = 35,
    STEP_L2_NORMALIZE_FLOAT = 36,
    STEP_SVDF_INT8 = 37,
    STEP_COMPARE_INT8 = 38,
    STEP_COMPARE_FLOAT = 39,
    STEP_SELECT = 40,
    STEP_KIND_END = 41
};

/* Requantisation of one output channel. `bias` already holds the model's bias plus the input offset times the sum of
 * the channel's weights, so that kernels multiply raw int8 values. */
struct plan_channel {
    int32_t bias;
    int32_t multiplier;
    int32_t shift;
};

/* Images are NHWC. A window's places outside the image read as `input_zero_point`. */
struct plan_window {
    int32_t batches;
    int32_t input_height;
    int32_t input_width;
    int32_t input_channels;
    int32_t output_height;
    int32_t output_width;
    int32_t output_channels;
    int32_t kernel_height;
    int32_t kernel_width;
    int32_t stride_height;
    int32_t stride_width;
    int32_t dilation_height;
    int32_t dilation_width;
    int32_t pad_top;
    int32_t pad_left;
};

/* weights: int8 [output_channels][kernel padded to a multiple of 4], a kernel being [height][width][channels / groups]. */
struct convolution_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t weights;
    uint32_t channels; /* struct plan_channel[output_channels] */
    uint32_t scratch;  /* expanded windows: 4, or 1 where there are under 4 pixels; a linear one for ragged rows */
    struct plan_window window;
    int32_t groups;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t minimum;
    int32_t maximum;
};

/* weights: int8 [kernel_height * kernel_width][channels] */
struct depthwise_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t weights;
    uint32_t channels;
    uint32_t scratch; /* 8 bytes a tap, then one pixel of zero points */
    struct plan_window window;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t minimum;
    int32_t maximum;
};

struct pool_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    struct plan_window window;
    int32_t minimum;
    int32_t maximum;
};

/* Two inputs walked together over `shape` (outermost first) with strides in elements, 0 where one is broadcast. */
struct plan_broadcast {
    int32_t shape[PLAN_RANK];
    int32_t stride1[PLAN_RANK];
    int32_t stride2[PLAN_RANK];
    uint32_t elements1;
    uint32_t elements2;
};

enum add_operation { ADD_PLAIN = 0, ADD_SUBTRACT = 1, ADD_SQUARED_DIFFERENCE = 2 };

struct add_int8_step {
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

struct multiply_int8_step {
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

/* The input is walked in its own order; strides say which sum each element belongs to (0 along a reduced axis). */
struct mean_int8_step {
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

/* table: int32 [256], exp(-i * beta * scale) in Q0.31, 0 where the reference skips the element. */
struct softmax_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t table;
    int32_t rows;
    int32_t depth;
};

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

/* output[b][i][j] = sum over k of left[b][i][k] * right[b][k][j]; strides in elements, batches in three dimensions. */
struct plan_matrix {
    uint32_t left;
    uint32_t right;
    uint32_t output;
    int32_t batches[3];
    int32_t left_batch_stride[3];
    int32_t right_batch_stride[3];
    int32_t rows;
    int32_t columns;
    int32_t depth;
    int32_t left_row_stride;
    int32_t left_depth_stride;
    int32_t right_column_stride;
    int32_t right_depth_stride;
    uint32_t left_elements;
    uint32_t right_elements;
};

struct matrix_int8_step {
    struct step_header header;
    struct plan_matrix matrix;
    int32_t left_offset;
    int32_t right_offset;
    int32_t multiplier;
    int32_t shift;
    int32_t output_zero_point;
};

struct matrix_float_step {
    struct step_header header;
    struct plan_matrix matrix;
};

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

/* weights: float [output_channels][kernel_height][kernel_width][input_channels / groups] */
struct convolution_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t weights;
    uint32_t bias; /* float [output_channels] */
    struct plan_window window;
    int32_t groups;
    float minimum;
    float maximum;
};

/* weights: float [kernel_height][kernel_width][output_channels] */
struct depthwise_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t weights;
    uint32_t bias;
    struct plan_window window;
    float minimum;
    float maximum;
};

struct pool_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    struct plan_window window;
    int32_t maximum_pool; /* 0 average, 1 maximum */
    float minimum;
    float maximum;
};

struct elementwise_float_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    struct plan_broadcast broadcast;
    int32_t operation; /* 0 add, 1 subtract, 2 multiply, 3 squared difference, 4 divide, 5 minimum, 6 maximum, 7 PReLU, 8 floor of a division */
    float minimum;
    float maximum;
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

struct softmax_float_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    int32_t rows;
    int32_t depth;
    float beta;
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
    int32_t operation;
    float first;  /* lower bound of a clamp, slope of a leaky ReLU */
    float second; /* upper bound of a clamp */
};

struct quantize_step {
    struct step_header header;
    uint32_t input;  /* float */
    uint32_t output; /* int8 */
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

/* The larger or smaller of two values as they are stored: scales are the same, or do not matter. */
struct extreme_int8_step {
    struct step_header header;
    uint32_t input1;
    uint32_t input2;
    uint32_t output;
    struct plan_broadcast broadcast;
    int32_t maximum;
};

struct prelu_int8_step {
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

enum cast_type { CAST_INT8 = 0, CAST_INT16 = 1, CAST_INT32 = 2, CAST_FLOAT = 3, CAST_BOOL = 4, CAST_TYPE_END = 5 };

struct cast_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t elements;
    int32_t from;
    int32_t to;
};

/* As mean_int8_step, in elements of the type. */
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

/* Filters are in the order of their units, `rank` to each. */
struct svdf_int8_step {
    struct step_header header;
    uint32_t input;
    uint32_t output;
    uint32_t state;           /* int16 [batches][filters][memory] */
    uint32_t feature_weights; /* int8 [filters][features] */
    uint32_t feature_bias;    /* int32 [filters], the offset correction */
    uint32_t time_weights;    /* int16 [filters][memory] */
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

struct compare_float_step {
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
