/* The binary plan: what the planner (targets/mcu/plan) writes and the executor runs in place.
 *
 * Everything is little-endian and made of 32-bit words; the blob starts on a 16-byte boundary. A header is followed
 * by the input table, the output table, the state table, the steps, and the constants (16-byte aligned).
 *
 * A reference names a buffer: bit 31 set means "byte offset into the constants", clear "byte offset into the arena".
 * A step is a header and its fields; its size says how far the next one is. One model operator becomes zero steps (a
 * reshape), one, or several (a concatenation): `operator_index` says whose work it is.
 *
 * The steps of each family are in steps_*.h. targets/mcu/plan/format.py holds the same layout; a test compares the two.
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
    STEP_CONVOLUTION_INT16 = 41,
    STEP_ADD_INT16 = 42,
    STEP_MULTIPLY_INT16 = 43,
    STEP_EXTREME_INT16 = 44,
    STEP_PRELU_INT16 = 45,
    STEP_RESCALE = 46,
    STEP_CURVE_INT16 = 47,
    STEP_QUANTIZE_INT16 = 48,
    STEP_DEQUANTIZE_INT16 = 49,
    STEP_BRANCH = 50,
    STEP_SOFTMAX_INT16 = 51,
    STEP_SOFTMAX_INT8_INT16 = 52,
    STEP_AVERAGE_POOL_INT16 = 53,
    STEP_MAX_POOL_INT16 = 54,
    STEP_MEAN_INT16 = 55,
    STEP_MATRIX_INT16 = 56,
    STEP_COMPARE_INT32 = 57,
    STEP_ELEMENTWISE_INT32 = 58,
    STEP_LSTM_INT16 = 59,
    STEP_SVDF_MEMORY8 = 60,
    STEP_WAVE_FLOAT = 61,
    STEP_FLOOR_MOD_FLOAT = 62,
    STEP_L2_POOL_FLOAT = 63,
    STEP_LOG_SOFTMAX_FLOAT = 64,
    STEP_LOG_SOFTMAX_INT8 = 65,
    STEP_CUMULATIVE_SUM_FLOAT = 66,
    STEP_CUMULATIVE_SUM_INT32 = 67,
    STEP_GATHER_ND = 68,
    STEP_UPDATE_SLICE = 69,
    STEP_SVDF_FLOAT = 70,
    STEP_DEPTHWISE_INT16 = 71,
    STEP_KIND_END = 72
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

/* Two inputs walked together over `shape` (outermost first) with strides in elements, 0 where one is broadcast. */
struct plan_broadcast {
    int32_t shape[PLAN_RANK];
    int32_t stride1[PLAN_RANK];
    int32_t stride2[PLAN_RANK];
    uint32_t elements1;
    uint32_t elements2;
};

#endif
