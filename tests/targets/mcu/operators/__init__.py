"""Parameters of random models, one module a family as in `targets/mcu/plan/lowering`, gathered by operator name."""

from __future__ import annotations

from . import (
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
# Those that Micro has for int16 activations.
INT16 = (
    *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"),
    *("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MINIMUM", "MAXIMUM", "PRELU"),
    *("LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "QUANTIZE", "DEQUANTIZE"),
    *("PAD", "CONCATENATION", "PACK", "STRIDED_SLICE", "TRANSPOSE", "RESHAPE", "SLICE", "REVERSE_V2"),
    *("SPLIT", "SPLIT_V", "UNPACK"),
)
# Whatever type is asked for, these make models of float32.
FLOAT_ALONE = {*activation.FLOAT_ALONE, *elementwise.FLOAT_ALONE}
