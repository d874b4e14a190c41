"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED.

A fully connected layer is a convolution with a 1 x 1 kernel over one row of batches. A depthwise convolution with a
multiplier is a convolution with one group for each input channel; with one input channel it is a plain one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..builder import Builder
from ..fixed_point import quantise_multiplier
from ..model import Operator, Tensor
from .checks import (
    activation_range_float,
    activation_range_int8,
    dimensions_fit,
    int8_zero_point,
    operand,
    optional_operand,
    refuse,
    result,
    unsupported,
)
from .window import Window, convolution_window

ACCUMULATOR_LIMIT = 1 << 31


@dataclass(frozen=True)
class Weighted:
    """A convolution in its common form. `weights` is [output channels, height, width, channels of a group]."""

    operator: Operator
    input: Tensor
    output: Tensor
    weights: NDArray[Any]
    bias: NDArray[Any] | None
    window: Window
    groups: int
    activation: int


def _constant_weights(operator: Operator, dtype: str, rank: int) -> NDArray[Any]:
    tensor = operand(operator, 1)
    if tensor.constant is None:
        raise unsupported(operator, "weights that are not constant")
    if tensor.dtype != dtype:
        raise unsupported(operator, f"{dtype} input with {tensor.dtype} weights, as a hybrid or low-bit model has them")
    if len(tensor.shape) != rank:
        raise refuse(operator, f"its weights have {len(tensor.shape)} dimensions, not {rank}")
    if dtype == "int8" and (tensor.quantisation is None or np.any(tensor.quantisation.zero_points != 0)):
        raise unsupported(operator, "weights whose zero point is not 0")
    return tensor.constant


def _constant_bias(operator: Operator, dtype: str, channels: int) -> NDArray[Any] | None:
    tensor = optional_operand(operator, 2)
    if tensor is None:
        return None
    expected = "int32" if dtype == "int8" else "float32"
    if tensor.constant is None or tensor.dtype != expected:
        raise unsupported(operator, f"a bias that is not a constant of {expected}")
    if tensor.elements != channels:
        raise refuse(operator, f"its bias has {tensor.elements} elements for {channels} output channels")
    return tensor.constant.ravel()


def _input_dtype(operator: Operator, source: Tensor, target: Tensor) -> str:
    if source.dtype not in ("int8", "float32") or target.dtype != source.dtype:
        raise unsupported(operator, f"input of {source.dtype} and output of {target.dtype}")
    return source.dtype


def _channel_scales(operator: Operator, channels: int, axis: int) -> NDArray[np.float32]:
    quantisation = operand(operator, 1).quantisation
    assert quantisation is not None  # checked with the weights
    if len(quantisation.scales) == 1:
        return np.repeat(quantisation.scales, channels)
    if quantisation.dimension != axis or len(quantisation.scales) != channels:
        raise refuse(operator, f"its weights are quantised along axis {quantisation.dimension}, not {axis}")
    return quantisation.scales


def _per_channel_multipliers(weighted: Weighted, axis: int) -> list[tuple[int, int]]:
    """PopulateConvolutionQuantizationParams: all in double."""
    scales = _channel_scales(weighted.operator, weighted.weights.shape[0], axis)
    source, target = float(weighted.input.scale), float(weighted.output.scale)
    return [quantise_multiplier(source * float(scale) / target) for scale in scales]


def _fully_connected_multipliers(weighted: Weighted) -> list[tuple[int, int]]:
    """As for a convolution where there is a scale a channel; one scale is multiplied in float32 first."""
    quantisation = operand(weighted.operator, 1).quantisation
    assert quantisation is not None
    if len(quantisation.scales) > 1:
        return _per_channel_multipliers(weighted, 0)
    product = float(np.float32(weighted.input.scale * quantisation.scales[0]))
    return [quantise_multiplier(product / float(weighted.output.scale))] * weighted.weights.shape[0]


def _fits(largest_sum: int, total: int, multiplier: int, shift: int) -> bool:
    """No step of the sum and of its requantisation leaves int32 (see firmware/fixed_point.h).

    Totals near 2^30 do occur: the converter widens the bias of a channel with tiny weights up to there.
    """
    if largest_sum >= ACCUMULATOR_LIMIT or shift > 30 or total << max(shift, 0) >= ACCUMULATOR_LIMIT:
        return False
    rounding = 1 << (-shift - 1) if shift < 0 else 0
    return (total * multiplier >> 31) + 1 + rounding < ACCUMULATOR_LIMIT


def _channel_table(weighted: Weighted, multipliers: list[tuple[int, int]]) -> NDArray[np.int32]:
    """[channels, 3]: bias with the input offset folded in, multiplier, shift. Proves that no sum can overflow."""
    operator = weighted.operator
    zero_point = int8_zero_point(operator, weighted.input)
    flat = weighted.weights.reshape(weighted.weights.shape[0], -1).astype(np.int64)
    bias = np.zeros(len(flat), np.int64) if weighted.bias is None else weighted.bias.astype(np.int64)
    folded = bias - zero_point * flat.sum(axis=1)
    magnitudes = np.abs(flat).sum(axis=1)
    largest_input = max(127 - zero_point, zero_point + 128)
    for channel, (multiplier, shift) in enumerate(multipliers):
        partial = abs(int(folded[channel])) + 128 * int(magnitudes[channel])
        total = abs(int(bias[channel])) + largest_input * int(magnitudes[channel])
        if multiplier < 0 or not _fits(max(partial, total), total, multiplier, shift):
            raise refuse(operator, f"the sums of output channel {channel} can reach {total}, too near the end of int32")
    return np.column_stack([folded, np.array(multipliers, np.int64)]).astype(np.int32)


def _padded_rows(weights: NDArray[Any]) -> NDArray[Any]:
    """[channels, kernel], each row filled with zeros to a multiple of four."""
    flat = weights.reshape(weights.shape[0], -1)
    return np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4)))


def _window_scratch(weighted: Weighted, padded: int) -> int:
    """Expanded windows, four at a time where there are that many pixels, and a linear one where rows are ragged."""
    window = weighted.window
    lanes = 4 if window.output_height * window.output_width >= 4 else 1
    ragged = window.input_channels // weighted.groups % 4 != 0
    return padded * (2 * lanes + int(ragged))


def _emit_convolution_int8(weighted: Weighted, multipliers: list[tuple[int, int]], build: Builder) -> None:
    low, high = activation_range_int8(weighted.operator, weighted.activation, weighted.output)
    rows = _padded_rows(weighted.weights)
    build.step(
        "convolution_int8",
        input=build.read(weighted.input),
        weights=build.constant(rows),
        channels=build.constant(_channel_table(weighted, multipliers)),
        scratch=build.scratch(_window_scratch(weighted, rows.shape[1])),
        output=build.write(weighted.output),
        **weighted.window.fields(),
        groups=weighted.groups,
        input_zero_point=weighted.input.zero_point,
        output_zero_point=int8_zero_point(weighted.operator, weighted.output),
        minimum=low,
        maximum=high,
    )


def _emit_convolution_float(weighted: Weighted, build: Builder) -> None:
    low, high = activation_range_float(weighted.operator, weighted.activation)
    channels = weighted.weights.shape[0]
    bias = np.zeros(channels, np.float32) if weighted.bias is None else weighted.bias
    build.step(
        "convolution_float",
        input=build.read(weighted.input),
        weights=build.constant(weighted.weights),
        bias=build.constant(bias),
        output=build.write(weighted.output),
        **weighted.window.fields(),
        groups=weighted.groups,
        minimum=low,
        maximum=high,
    )


def lower_convolution(operator: Operator, build: Builder) -> None:
    source, target = operand(operator, 0, 4), result(operator)
    dtype = _input_dtype(operator, source, target)
    weights = _constant_weights(operator, dtype, 4)
    channels, height, width, group_channels = weights.shape
    if source.shape[3] % group_channels or channels % (source.shape[3] // group_channels):
        raise refuse(operator, f"{source.shape[3]} input channels do not divide into groups of {group_channels}")
    window = convolution_window(
        operator,
        source,
        target,
        (height, width),
        channels,
        padding=operator.integer(0),
        strides=(operator.integer(2, "i"), operator.integer(1, "i")),
        dilations=(operator.integer(5, "i", 1), operator.integer(4, "i", 1)),
    )
    bias = _constant_bias(operator, dtype, channels)
    groups = source.shape[3] // group_channels
    weighted = Weighted(operator, source, target, weights, bias, window, groups, operator.integer(3))
    if dtype == "int8":
        _emit_convolution_int8(weighted, _per_channel_multipliers(weighted, 0), build)
    else:
        _emit_convolution_float(weighted, build)


def lower_depthwise(operator: Operator, build: Builder) -> None:
    source, target = operand(operator, 0, 4), result(operator)
    dtype = _input_dtype(operator, source, target)
    weights = _constant_weights(operator, dtype, 4)
    _, height, width, channels = weights.shape
    if weights.shape[0] != 1 or channels % source.shape[3]:
        raise refuse(operator, f"weights of shape {list(weights.shape)} do not fit {source.shape[3]} input channels")
    window = convolution_window(
        operator,
        source,
        target,
        (height, width),
        channels,
        padding=operator.integer(0),
        strides=(operator.integer(2, "i"), operator.integer(1, "i")),
        dilations=(operator.integer(6, "i", 1), operator.integer(5, "i", 1)),
    )
    bias = _constant_bias(operator, dtype, channels)
    by_channel = np.ascontiguousarray(np.moveaxis(weights[0], 2, 0))[..., np.newaxis]
    weighted = Weighted(operator, source, target, by_channel, bias, window, source.shape[3], operator.integer(4))
    if dtype == "float32":
        _emit_depthwise_float(weighted, weights, build)
        return
    multipliers = _per_channel_multipliers(weighted, 3)
    if channels != source.shape[3]:
        _emit_convolution_int8(weighted, multipliers, build)
        return
    low, high = activation_range_int8(operator, weighted.activation, target)
    build.step(
        "depthwise_int8",
        input=build.read(source),
        weights=build.constant(weights),
        channels=build.constant(_channel_table(weighted, multipliers)),
        scratch=build.scratch(8 * height * width + channels),
        output=build.write(target),
        **window.fields(),
        input_zero_point=source.zero_point,
        output_zero_point=int8_zero_point(operator, target),
        minimum=low,
        maximum=high,
    )


def _emit_depthwise_float(weighted: Weighted, weights: NDArray[Any], build: Builder) -> None:
    low, high = activation_range_float(weighted.operator, weighted.activation)
    bias = np.zeros(weights.shape[3], np.float32) if weighted.bias is None else weighted.bias
    build.step(
        "depthwise_float",
        input=build.read(weighted.input),
        weights=build.constant(weights),
        bias=build.constant(bias),
        output=build.write(weighted.output),
        **weighted.window.fields(),
        minimum=low,
        maximum=high,
    )


def lower_fully_connected(operator: Operator, build: Builder) -> None:
    source, target = operand(operator, 0), result(operator)
    dtype = _input_dtype(operator, source, target)
    if operator.integer(1) != 0:
        raise unsupported(operator, "shuffled weights")
    weights = _constant_weights(operator, dtype, 2)
    channels, depth = weights.shape
    if source.elements % depth or target.elements != source.elements // depth * channels:
        raise refuse(operator, f"{source.elements} values do not pass weights of shape {list(weights.shape)}")
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
    bias = _constant_bias(operator, dtype, channels)
    weighted = Weighted(
        operator, source, target, weights.reshape(channels, 1, 1, depth), bias, window, 1, operator.integer(0)
    )
    if dtype == "int8":
        _emit_convolution_int8(weighted, _fully_connected_multipliers(weighted), build)
    else:
        _emit_convolution_float(weighted, build)


LOWERINGS = {
    "CONV_2D": lower_convolution,
    "DEPTHWISE_CONV_2D": lower_depthwise,
    "FULLY_CONNECTED": lower_fully_connected,
}
