"""Convolutions in their common form: what CONV_2D, FULLY_CONNECTED, TRANSPOSE_CONV and most depthwise ones become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..builder import Builder, Place
from ..fixed_point import quantise_multiplier
from ..model import Operator, Tensor
from .checks import (
    activation_range_float,
    activation_range_int8,
    int8_zero_point,
    operand,
    optional_operand,
    refuse,
    unsupported,
)
from .window import Window

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


def constant_weights(operator: Operator, dtype: str, rank: int) -> NDArray[Any]:
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


def constant_bias(operator: Operator, dtype: str, channels: int, index: int = 2) -> NDArray[Any] | None:
    tensor = optional_operand(operator, index)
    if tensor is None:
        return None
    expected = "int32" if dtype == "int8" else "float32"
    if tensor.constant is None or tensor.dtype != expected:
        raise unsupported(operator, f"a bias that is not a constant of {expected}")
    if tensor.elements != channels:
        raise refuse(operator, f"its bias has {tensor.elements} elements for {channels} output channels")
    return tensor.constant.ravel()


def input_dtype(operator: Operator, source: Tensor, target: Tensor) -> str:
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


def per_channel_multipliers(weighted: Weighted, axis: int) -> list[tuple[int, int]]:
    """PopulateConvolutionQuantizationParams: all in double."""
    scales = _channel_scales(weighted.operator, weighted.weights.shape[0], axis)
    source, target = float(weighted.input.scale), float(weighted.output.scale)
    return [quantise_multiplier(source * float(scale) / target) for scale in scales]


def _fits(largest_sum: int, total: int, multiplier: int, shift: int) -> bool:
    """No step of the sum and of its requantisation leaves int32 (see firmware/fixed_point.h).

    Totals near 2^30 do occur: the converter widens the bias of a channel with tiny weights up to there.
    """
    if largest_sum >= ACCUMULATOR_LIMIT or shift > 30 or total << max(shift, 0) >= ACCUMULATOR_LIMIT:
        return False
    rounding = 1 << (-shift - 1) if shift < 0 else 0
    return (total * multiplier >> 31) + 1 + rounding < ACCUMULATOR_LIMIT


def channel_table(weighted: Weighted, multipliers: list[tuple[int, int]]) -> NDArray[np.int32]:
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


def emit_convolution(weighted: Weighted, multipliers: list[tuple[int, int]], output: Place, build: Builder) -> None:
    """`multipliers` (of each output channel) are for int8 alone."""
    if weighted.input.dtype == "int8":
        _emit_int8(weighted, multipliers, output, build)
    else:
        _emit_float(weighted, output, build)


def _emit_int8(weighted: Weighted, multipliers: list[tuple[int, int]], output: Place, build: Builder) -> None:
    low, high = activation_range_int8(weighted.operator, weighted.activation, weighted.output)
    rows = _padded_rows(weighted.weights)
    build.step(
        "convolution_int8",
        input=build.read(weighted.input),
        weights=build.constant(rows),
        channels=build.constant(channel_table(weighted, multipliers)),
        scratch=build.scratch(_window_scratch(weighted, rows.shape[1])),
        output=output,
        **weighted.window.fields(),
        groups=weighted.groups,
        input_zero_point=weighted.input.zero_point,
        output_zero_point=int8_zero_point(weighted.operator, weighted.output),
        minimum=low,
        maximum=high,
    )


def _emit_float(weighted: Weighted, output: Place, build: Builder) -> None:
    low, high = activation_range_float(weighted.operator, weighted.activation)
    build.step(
        "convolution_float",
        input=build.read(weighted.input),
        weights=build.constant(weighted.weights),
        bias=build.constant(float_bias(weighted)),
        output=output,
        **weighted.window.fields(),
        groups=weighted.groups,
        minimum=low,
        maximum=high,
    )


def float_bias(weighted: Weighted) -> NDArray[np.float32]:
    return np.zeros(weighted.weights.shape[0], np.float32) if weighted.bias is None else weighted.bias
