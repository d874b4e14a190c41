/* Every kernel: one step in, a status out. A kernel checks its own geometry and buffers before it touches them. */
#ifndef KERNELS_H
#define KERNELS_H

#include "executor.h"

typedef enum plan_status kernel(const struct execution *execution, const void *step);

kernel run_convolution_int8, run_depthwise_int8, run_average_pool_int8, run_max_pool_int8, run_add_int8,
    run_multiply_int8, run_mean_int8, run_softmax_int8, run_lookup_int8, run_fill, run_copy, run_matrix_int8,
    run_lstm_int8, run_convolution_float, run_depthwise_float, run_pool_float, run_elementwise_float,
    run_mean_float, run_softmax_float, run_unary_float, run_matrix_float, run_quantize, run_dequantize,
    run_lstm_float, run_gather, run_resize_int8, run_resize_float, run_extreme_int8, run_prelu_int8,
    run_arg_extreme_int8, run_arg_extreme_float, run_cast, run_reduce_extreme_int8, run_reduce_extreme_float,
    run_l2_normalize_int8, run_l2_normalize_float, run_svdf_int8, run_compare_int8, run_compare_float, run_select,
    run_convolution_int16, run_add_int16, run_multiply_int16, run_extreme_int16, run_prelu_int16, run_rescale,
    run_curve_int16, run_quantize_int16, run_dequantize_int16, run_branch, run_softmax_int16,
    run_softmax_int8_int16, run_average_pool_int16, run_max_pool_int16, run_mean_int16, run_matrix_int16,
    run_compare_int32, run_elementwise_int32, run_lstm_int16, run_svdf_memory8, run_wave_float, run_floor_mod_float,
    run_l2_pool_float, run_log_softmax_float, run_log_softmax_int8, run_cumulative_sum_float,
    run_cumulative_sum_int32, run_gather_nd, run_update_slice, run_svdf_float, run_depthwise_int16;

struct kernel_entry {
    kernel *run;    /* NULL where the image has no such kernel */
    uint32_t bytes; /* of its step */
};

/* Where in the table a kind of step is. */
extern const uint8_t kernel_index[STEP_KIND_END];
extern const struct kernel_entry kernel_table[];

#endif
