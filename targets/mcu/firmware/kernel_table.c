/* The kernels that an image holds.
 *
 * One bit a kind of step: a board's image is built with the bits of one plan, so that no other kernel is linked in, and a
 * step whose kernel was left out is refused. The table has an entry for each kernel that is there and a byte for each that
 * could be. This is the one file that is compiled for each set; the executor and the kernels themselves are the same code
 * in every image, so counts do not depend on what else is there. */
#include "kernels.h"
#include "steps_control.h"
#include "steps_convolution.h"
#include "steps_elementwise.h"
#include "steps_matrix.h"
#include "steps_movement.h"
#include "steps_recurrent.h"
#include "steps_reduction.h"

#ifndef LINKED_KERNELS_LOW
#define LINKED_KERNELS_LOW UINT64_MAX  /* the kinds 0 to 63 */
#define LINKED_KERNELS_HIGH UINT64_MAX /* 64 to 127 */
#endif
_Static_assert(STEP_KIND_END <= 128, "a kind of step without a bit");

#define LINKED(kind) ((((kind) < 64 ? LINKED_KERNELS_LOW : LINKED_KERNELS_HIGH) >> ((kind) & 63)) & 1)
#define BITS_BELOW(kind) ((1ull << ((kind) & 63)) - 1)
#define LINKED_BELOW(kind)                                              \
    ((kind) < 64 ? __builtin_popcountll(LINKED_KERNELS_LOW & BITS_BELOW(kind)) \
                 : __builtin_popcountll(LINKED_KERNELS_LOW) + __builtin_popcountll(LINKED_KERNELS_HIGH & BITS_BELOW(kind)))
/* Entry 0 has no kernel: kinds that are not linked are all there. */
#define PLACE(kind) (LINKED(kind) ? LINKED_BELOW(kind) + 1 : 0)

#define EACH_KERNEL(KERNEL) \
    KERNEL(STEP_CONVOLUTION_INT8, run_convolution_int8, convolution_int8_step) \
    KERNEL(STEP_DEPTHWISE_INT8, run_depthwise_int8, depthwise_int8_step) \
    KERNEL(STEP_AVERAGE_POOL_INT8, run_average_pool_int8, pool_step) \
    KERNEL(STEP_MAX_POOL_INT8, run_max_pool_int8, pool_step) \
    KERNEL(STEP_ADD_INT8, run_add_int8, add_step) \
    KERNEL(STEP_MULTIPLY_INT8, run_multiply_int8, multiply_step) \
    KERNEL(STEP_MEAN_INT8, run_mean_int8, mean_step) \
    KERNEL(STEP_SOFTMAX_INT8, run_softmax_int8, softmax_int8_step) \
    KERNEL(STEP_LOOKUP_INT8, run_lookup_int8, lookup_int8_step) \
    KERNEL(STEP_FILL, run_fill, fill_step) \
    KERNEL(STEP_COPY, run_copy, copy_step) \
    KERNEL(STEP_MATRIX_INT8, run_matrix_int8, matrix_int8_step) \
    KERNEL(STEP_LSTM_INT8, run_lstm_int8, lstm_int8_step) \
    KERNEL(STEP_CONVOLUTION_FLOAT, run_convolution_float, convolution_float_step) \
    KERNEL(STEP_DEPTHWISE_FLOAT, run_depthwise_float, depthwise_float_step) \
    KERNEL(STEP_POOL_FLOAT, run_pool_float, pool_float_step) \
    KERNEL(STEP_ELEMENTWISE_FLOAT, run_elementwise_float, elementwise_float_step) \
    KERNEL(STEP_MEAN_FLOAT, run_mean_float, mean_float_step) \
    KERNEL(STEP_SOFTMAX_FLOAT, run_softmax_float, softmax_float_step) \
    KERNEL(STEP_UNARY_FLOAT, run_unary_float, unary_float_step) \
    KERNEL(STEP_MATRIX_FLOAT, run_matrix_float, matrix_float_step) \
    KERNEL(STEP_QUANTIZE, run_quantize, quantize_step) \
    KERNEL(STEP_DEQUANTIZE, run_dequantize, dequantize_step) \
    KERNEL(STEP_LSTM_FLOAT, run_lstm_float, lstm_float_step) \
    KERNEL(STEP_GATHER, run_gather, gather_step) \
    KERNEL(STEP_RESIZE_INT8, run_resize_int8, resize_int8_step) \
    KERNEL(STEP_RESIZE_FLOAT, run_resize_float, resize_float_step) \
    KERNEL(STEP_EXTREME_INT8, run_extreme_int8, extreme_step) \
    KERNEL(STEP_PRELU_INT8, run_prelu_int8, prelu_step) \
    KERNEL(STEP_ARG_EXTREME_INT8, run_arg_extreme_int8, arg_extreme_step) \
    KERNEL(STEP_ARG_EXTREME_FLOAT, run_arg_extreme_float, arg_extreme_step) \
    KERNEL(STEP_CAST, run_cast, cast_step) \
    KERNEL(STEP_REDUCE_EXTREME_INT8, run_reduce_extreme_int8, reduce_extreme_step) \
    KERNEL(STEP_REDUCE_EXTREME_FLOAT, run_reduce_extreme_float, reduce_extreme_step) \
    KERNEL(STEP_L2_NORMALIZE_INT8, run_l2_normalize_int8, l2_normalize_step) \
    KERNEL(STEP_L2_NORMALIZE_FLOAT, run_l2_normalize_float, l2_normalize_step) \
    KERNEL(STEP_SVDF_INT8, run_svdf_int8, svdf_step) \
    KERNEL(STEP_COMPARE_INT8, run_compare_int8, compare_int8_step) \
    KERNEL(STEP_COMPARE_FLOAT, run_compare_float, compare_step) \
    KERNEL(STEP_SELECT, run_select, select_step) \
    KERNEL(STEP_CONVOLUTION_INT16, run_convolution_int16, convolution_int16_step) \
    KERNEL(STEP_ADD_INT16, run_add_int16, add_step) \
    KERNEL(STEP_MULTIPLY_INT16, run_multiply_int16, multiply_step) \
    KERNEL(STEP_EXTREME_INT16, run_extreme_int16, extreme_step) \
    KERNEL(STEP_PRELU_INT16, run_prelu_int16, prelu_step) \
    KERNEL(STEP_RESCALE, run_rescale, rescale_step) \
    KERNEL(STEP_CURVE_INT16, run_curve_int16, curve_int16_step) \
    KERNEL(STEP_QUANTIZE_INT16, run_quantize_int16, quantize_step) \
    KERNEL(STEP_DEQUANTIZE_INT16, run_dequantize_int16, dequantize_int16_step) \
    KERNEL(STEP_BRANCH, run_branch, branch_step) \
    KERNEL(STEP_SOFTMAX_INT16, run_softmax_int16, softmax_int16_step) \
    KERNEL(STEP_SOFTMAX_INT8_INT16, run_softmax_int8_int16, softmax_int8_step) \
    KERNEL(STEP_AVERAGE_POOL_INT16, run_average_pool_int16, pool_step) \
    KERNEL(STEP_MAX_POOL_INT16, run_max_pool_int16, pool_step) \
    KERNEL(STEP_MEAN_INT16, run_mean_int16, mean_step) \
    KERNEL(STEP_MATRIX_INT16, run_matrix_int16, matrix_int16_step) \
    KERNEL(STEP_COMPARE_INT32, run_compare_int32, compare_step) \
    KERNEL(STEP_ELEMENTWISE_INT32, run_elementwise_int32, elementwise_int32_step) \
    KERNEL(STEP_LSTM_INT16, run_lstm_int16, lstm_int16_step) \
    KERNEL(STEP_SVDF_MEMORY8, run_svdf_memory8, svdf_step) \
    KERNEL(STEP_WAVE_FLOAT, run_wave_float, wave_float_step) \
    KERNEL(STEP_FLOOR_MOD_FLOAT, run_floor_mod_float, floor_mod_float_step) \
    KERNEL(STEP_L2_POOL_FLOAT, run_l2_pool_float, l2_pool_float_step) \
    KERNEL(STEP_LOG_SOFTMAX_FLOAT, run_log_softmax_float, log_softmax_float_step) \
    KERNEL(STEP_LOG_SOFTMAX_INT8, run_log_softmax_int8, log_softmax_int8_step) \
    KERNEL(STEP_CUMULATIVE_SUM_FLOAT, run_cumulative_sum_float, cumulative_sum_step) \
    KERNEL(STEP_CUMULATIVE_SUM_INT32, run_cumulative_sum_int32, cumulative_sum_step) \
    KERNEL(STEP_GATHER_ND, run_gather_nd, gather_nd_step) \
    KERNEL(STEP_UPDATE_SLICE, run_update_slice, update_slice_step) \
    KERNEL(STEP_SVDF_FLOAT, run_svdf_float, svdf_float_step) \
    KERNEL(STEP_DEPTHWISE_INT16, run_depthwise_int16, depthwise_int16_step)

#define PLACE_ENTRY(kind, run, step) [kind] = PLACE(kind),
const uint8_t kernel_index[STEP_KIND_END] = {EACH_KERNEL(PLACE_ENTRY)};

#pragma GCC diagnostic ignored "-Woverride-init" /* entry 0 is named by every kernel that is left out */
#define TABLE_ENTRY(kind, run, step) [PLACE(kind)] = {LINKED(kind) ? run : NULL, sizeof(struct step)},
const struct kernel_entry kernel_table[] = {EACH_KERNEL(TABLE_ENTRY)};
