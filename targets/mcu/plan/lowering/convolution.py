"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED.

A fully connected layer is a convolution with a 1 x 1 kernel over one row of batches. A depthwise convolution with a
multiplier is a convolution with one group for each input channel; with one input channel it is a plain one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..builder import Builder
from ..fixed_point import quantise_multiplier
from ..model import Operator, Tensor
from .checks import (
    activation_range_float,
    activation_range_quantised,
    dimensions_fit,
    operand,
    own_zero_point,
    refusal,
    result,
    unsupported_error,
)
from .weighted import (
    Weighted,
    channel_table,
    constant_bias,
    constant_weights,
    emit_convolution,
    float_bias,
    has_wide_sums,
    input_dtype,
    int16_channel_table,
    per_channel_multipliers,
)
from .window import Window, convolution_window

_INT16_TAPS_LIMIT = 256  # so many products stay below 2^31


def _window(
    operator: Operator, source: Tensor, target: Tensor, weights: NDArray[Any], channels: int, dilation_slot: int
) -> Window:
    """The window of an operator whose options begin with padding and strides. Dilations are in two slots, width
    first."""
    return convolution_window(
        operator,
        source,
        target,
        (weights.shape[1], weights.shape[2]),
        channels,
        padding=operator.integer(0),
        strides=(operator.integer(2, "i"), operator.integer(1, "i")),
        dilations=(operator.integer(dilation_slot + 1, "i", 1), operator.integer(dilation_slot, "i", 1)),
    )


def lower_convolution(operator: Operator, build: Builder) -> None:
    """Lowers CONV_2D, also with groups and int4 weights. Raises `PlanRefused`."""
    source, target = operand(operator, 0, 4), result(operator)
    dtype = input_dtype(operator, source, target)
    weights = constant_weights(operator, dtype, 4, four_bits=True)
    channels, group_channels = weights.shape[0], weights.shape[3]
    if source.shape[3] % group_channels or channels % (source.shape[3] // group_channels):
        raise refusal(operator, f"{source.shape[3]} input channels do not divide into groups of {group_channels}")
    window = _window(operator, source, target, weights, channels, dilation_slot=4)
    bias = constant_bias(operator, dtype, channels)
    groups = source.shape[3] // group_channels
    wide = has_wide_sums(operator, bias, slot=6)
    weighted = Weighted(operator, source, target, weights, bias, window, groups, operator.integer(3), wide)
    multipliers = per_channel_multipliers(weighted, 0) if dtype != "float32" else []
    emit_convolution(weighted, multipliers, build.allocate(target), build)


def lower_depthwise(operator: Operator, build: Builder) -> None:
    """Lowers DEPTHWISE_CONV_2D. With a depth multiplier, or too many int16 taps, it becomes a convolution in groups.
    Raises `PlanRefused`."""
    source, target = operand(operator, 0, 4), result(operator)
    dtype = input_dtype(operator, source, target)
    weights = constant_weights(operator, dtype, 4, four_bits=True)
    channels = weights.shape[3]
    if weights.shape[0] != 1 or channels % source.shape[3]:
        raise refusal(operator, f"weights of shape {list(weights.shape)} do not fit {source.shape[3]} input channels")
    window = _window(operator, source, target, weights, channels, dilation_slot=5)
    bias = constant_bias(operator, dtype, channels, int16=("int64",))
    by_channel = np.ascontiguousarray(np.moveaxis(weights[0], 2, 0))[..., np.newaxis]
    weighted = Weighted(operator, source, target, by_channel, bias, window, source.shape[3], operator.integer(4))
    if dtype == "float32":
        _emit_depthwise_float(weighted, weights, build)
        return
    multipliers = per_channel_multipliers(weighted, 3)
    taps = weights.shape[1] * weights.shape[2]
    if channels != source.shape[3] or (dtype == "int16" and taps > _INT16_TAPS_LIMIT):
        emit_convolution(weighted, multipliers, build.allocate(target), build)
    elif dtype == "int16":
        _emit_depthwise_int16(weighted, weights, multipliers, build)
    else:
        _emit_depthwise_int8(weighted, weights, multipliers, build)


def _emit_depthwise_int16(
    weighted: Weighted, weights: NDArray[Any], multipliers: list[tuple[int, int]], build: Builder
) -> None:
    """`weights` as the model has them, [1, height, width, channels]."""
    low, high = activation_range_quantised(weighted.operator, weighted.activation, weighted.output)
    _, height, width, channels = weights.shape
    build.step(
        "depthwise_int16",
        input=build.read(weighted.input),
        weights=build.constant(weights),
        channels=build.constant(int16_channel_table(weighted, multipliers)),
        scratch=build.scratch(8 * height * width + 2 * channels),
        output=build.allocate(weighted.output),
        **weighted.window.fields(),
        wide=int(weighted.wide),
        minimum=low,
        maximum=high,
    )


def _emit_depthwise_int8(
    weighted: Weighted, weights: NDArray[Any], multipliers: list[tuple[int, int]], build: Builder
) -> None:
    """`weights` as the model has them, [1, height, width, channels]."""
    low, high = activation_range_quantised(weighted.operator, weighted.activation, weighted.output)
    _, height, width, channels = weights.shape
    build.step(
        "depthwise_int8",
        input=build.read(weighted.input),
        weights=build.constant(weights),
        channels=build.constant(channel_table(weighted, multipliers)),
        scratch=build.scratch(8 * height * width + channels),
        output=build.allocate(weighted.output),
        **weighted.window.fields(),
        input_zero_point=weighted.input.zero_point,
        output_zero_point=own_zero_point(weighted.operator, weighted.output),
        minimum=low,
        maximum=high,
    )


def _emit_depthwise_float(weighted: Weighted, weights: NDArray[Any], build: Builder) -> None:
    low, high = activation_range_float(weighted.operator, weighted.activation)
    build.step(
        "depthwise_float",
        input=build.read(weighted.input),
        weights=build.constant(weights),
        bias=build.constant(float_bias(weighted)),
        output=build.allocate(weighted.output),
        **weighted.window.fields(),
        minimum=low,
        maximum=high,
    )


def _fully_connected_multipliers(weighted: Weighted) -> list[tuple[int, int]]:
    """One multiplier per output. With a scale per channel they are those of a convolution; a single scale is multiplied
    in float32 first."""
    quantisation = operand(weighted.operator, 1).quantisation
    assert quantisation is not None
    if len(quantisation.scales) > 1:
        if operand(weighted.operator, 1).dtype == "int4":
            raise unsupported_error(weighted.operator, "int4 weights with a scale a channel, which Micro does not run")
        return per_channel_multipliers(weighted, 0)
    product = float(np.float32(weighted.input.scale * quantisation.scales[0]))
    return [quantise_multiplier(product / float(weighted.output.scale))] * weighted.weights.shape[0]


def lower_fully_connected(operator: Operator, build: Builder) -> None:
    """Lowers FULLY_CONNECTED to a 1×1 convolution over the batch. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    dtype = input_dtype(operator, source, target)
    if operator.integer(1) != 0:
        raise unsupported_error(operator, "shuffled weights")
    weights = constant_weights(operator, dtype, 2, four_bits=True)
    channels, depth = weights.shape
    if source.elements % depth or target.elements != source.elements // depth * channels:
        raise refusal(operator, f"{source.elements} values do not pass weights of shape {list(weights.shape)}")
    batches = source.elements // depth
    dimensions_fit(operator, batches, depth, channels)
    window = Window(
        batches=1,
        input_height=1,
        input_width=batches,
        input_channels=depth,
        output_height=1,
        output_width=batches,
        output_channels=channels,
    )
    bias = constant_bias(operator, dtype, channels)
    kernels = weights.reshape(channels, 1, 1, depth)
    wide = has_wide_sums(operator, bias, slot=4)
    weighted = Weighted(operator, source, target, kernels, bias, window, 1, operator.integer(0), wide)
    multipliers = _fully_connected_multipliers(weighted) if dtype != "float32" else []
    emit_convolution(weighted, multipliers, build.allocate(target), build)


LOWERINGS = {
    "CONV_2D": lower_convolution,
    "DEPTHWISE_CONV_2D": lower_depthwise,
    "FULLY_CONNECTED": lower_fully_connected,
}
