"""Parameters of random models, one module a family as in `targets/mcu/plan/lowering`, gathered by operator name."""

from __future__ import annotations

from . import (
    accumulation,
    activation,
    blocks,
    comparison,
    constants,
    control,
    convolution,
    elementwise,
    gather,
    matrix,
    movement,
    partition,
    pooling,
    recurrent,
    reduction,
    resize,
)
from .draws import Maker

MAKERS: dict[str, Maker] = {
    **accumulation.MAKERS,
    **activation.MAKERS,
    **blocks.MAKERS,
    **comparison.MAKERS,
    **constants.MAKERS,
    **control.MAKERS,
    **convolution.MAKERS,
    **elementwise.MAKERS,
    **gather.MAKERS,
    **matrix.MAKERS,
    **movement.MAKERS,
    **partition.MAKERS,
    **pooling.MAKERS,
    **recurrent.MAKERS,
    **reduction.MAKERS,
    **resize.MAKERS,
}
FOUR_BITS: dict[str, Maker] = {
    "CONV_2D": convolution.in_four_bits(convolution.convolution),
    "DEPTHWISE_CONV_2D": convolution.in_four_bits(convolution.depthwise),
    "FULLY_CONNECTED": convolution.in_four_bits(convolution.fully_connected),
}
"""int8 with weights of int4."""
# Those that Micro has for int16 activations.
INT16 = (
    *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"),
    *("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MINIMUM", "MAXIMUM", "PRELU"),
    *("LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "QUANTIZE", "DEQUANTIZE"),
    *("PAD", "CONCATENATION", "PACK", "STRIDED_SLICE", "TRANSPOSE", "RESHAPE", "SLICE", "REVERSE_V2"),
    *("SPLIT", "SPLIT_V", "UNPACK", "ABS", "SOFTMAX", "AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN", "SUM"),
    *("BATCH_MATMUL", "UNIDIRECTIONAL_SEQUENCE_LSTM", "DYNAMIC_UPDATE_SLICE", "RESIZE_NEAREST_NEIGHBOR"),
)
# For int32 that stands for itself.
INT32 = (
    *("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MINIMUM", "MAXIMUM"),
    *("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"),
)
# Whatever type is asked for, these make models of float32.
FLOAT_ALONE = {*activation.FLOAT_ALONE, *elementwise.FLOAT_ALONE, *pooling.FLOAT_ALONE}
