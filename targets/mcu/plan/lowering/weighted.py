"""Convolutions in their common form: what CONV_2D, FULLY_CONNECTED, TRANSPOSE_CONV and most depthwise ones become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..builder import BufferPosition, Builder
from ..fixed_point import quantise_multiplier, reduced_multiplier
from ..model import Operator, Tensor
from .checks import (
    activation_range_float,
    activation_range_quantised,
    operand,
    optional_operand,
    own_zero_point,
    refusal,
    symmetric,
    unsupported_error,
)
from .window import Window

ACCUMULATOR_LIMIT = 1 << 31
_INT32 = 2  # TensorType


@dataclass(frozen=True)
class Weighted:
    """A convolution in its common form. `weights` is [output channels, height, width, channels of a group]; the sums of
    an int16 one have 64 bits where it is `wide`."""

    operator: Operator
    input: Tensor
    output: Tensor
    weights: NDArray[Any]
    bias: NDArray[Any] | None
    window: Window
    groups: int
    activation: int
    wide: bool = True


def has_wide_sums(operator: Operator, bias: NDArray[Any] | None, slot: int) -> bool:
    """Whether an int16 layer adds up in 64 bits: its bias says, else the type of one that it might have, in `slot`."""
    kind = bias.dtype.name if bias is not None else {_INT32: "int32"}.get(operator.integer(slot))
    return kind != "int32"


def constant_weights(operator: Operator, dtype: str, rank: int, four_bits: bool = False) -> NDArray[Any]:
    """`dtype` is the input's: that of the weights, but that integers of 16 bits have weights of 8, and those of 8 may
    have some of `four_bits`, here as int8."""
    four_bits = four_bits and dtype == "int8"
    dtype = "int8" if dtype == "int16" else dtype
    tensor = operand(operator, 1)
    if tensor.constant is None:
        raise unsupported_error(operator, "weights that are not constant")
    if tensor.dtype != dtype and not (four_bits and tensor.dtype == "int4"):
        raise unsupported_error(
            operator, f"{dtype} input with {tensor.dtype} weights, as a hybrid or low-bit model has them"
        )
    if len(tensor.shape) != rank:
        raise refusal(operator, f"its weights have {len(tensor.shape)} dimensions, not {rank}")
    if dtype == "int8" and (tensor.quantisation is None or np.any(tensor.quantisation.zero_points != 0)):
        raise unsupported_error(operator, "weights whose zero point is not 0")
    return tensor.constant


def constant_bias(
    operator: Operator, dtype: str, channels: int, index: int = 2, int16: Sequence[str] = ("int64", "int32")
) -> NDArray[Any] | None:
    """`int16` are the types that the bias of an int16 layer may have."""
    tensor = optional_operand(operator, index)
    if tensor is None:
        return None
    expected = {"int8": ("int32",), "int16": int16}.get(dtype, ("float32",))
    if tensor.constant is None or tensor.dtype not in expected:
        raise unsupported_error(operator, f"a bias that is not a constant of {' or '.join(expected)}")
    if tensor.elements != channels:
        raise refusal(operator, f"its bias has {tensor.elements} elements for {channels} output channels")
    return tensor.constant.ravel()


def input_dtype(operator: Operator, source: Tensor, target: Tensor) -> str:
    """The element type of a weighted operator's input and output: int8, int16 or float32. Refuses others, and an int16
    with a zero point."""
    if source.dtype not in ("int8", "int16", "float32") or target.dtype != source.dtype:
        raise unsupported_error(operator, f"input of {source.dtype} and output of {target.dtype}")
    if source.dtype == "int16":
        symmetric(operator, source, target)
    return source.dtype


def _channel_scales(operator: Operator, channels: int, axis: int) -> NDArray[np.float32]:
    quantisation = operand(operator, 1).quantisation
    assert quantisation is not None  # checked with the weights
    if len(quantisation.scales) == 1:
        return np.repeat(quantisation.scales, channels)
    if quantisation.dimension != axis or len(quantisation.scales) != channels:
        raise refusal(operator, f"its weights are quantised along axis {quantisation.dimension}, not {axis}")
    return quantisation.scales


def per_channel_multipliers(weighted: Weighted, axis: int) -> list[tuple[int, int]]:
    """PopulateConvolutionQuantizationParams: all in double."""
    scales = _channel_scales(weighted.operator, weighted.weights.shape[0], axis)
    source, target = float(weighted.input.scale), float(weighted.output.scale)
    return [quantise_multiplier(source * float(scale) / target) for scale in scales]


def fits_int32(largest_sum: int, total: int, multiplier: int, shift: int) -> bool:
    """Whether no step of the sum and of its requantisation leaves int32 (see firmware/fixed_point.h).

    Totals near 2^30 do occur: the converter widens the bias of a channel with tiny weights up to there.
    """
    if largest_sum >= ACCUMULATOR_LIMIT or shift > 30 or total << max(shift, 0) >= ACCUMULATOR_LIMIT:
        return False
    rounding = 1 << (-shift - 1) if shift < 0 else 0
    return (total * multiplier >> 31) + 1 + rounding < ACCUMULATOR_LIMIT


def channel_table(weighted: Weighted, multipliers: list[tuple[int, int]]) -> NDArray[np.int32]:
    """[channels, 3]: bias with the input offset folded in, multiplier, shift. Proves that no sum can overflow."""
    operator = weighted.operator
    zero_point = own_zero_point(operator, weighted.input)
    flat = weighted.weights.reshape(weighted.weights.shape[0], -1).astype(np.int64)
    bias = np.zeros(len(flat), np.int64) if weighted.bias is None else weighted.bias.astype(np.int64)
    folded = bias - zero_point * flat.sum(axis=1)
    magnitudes = np.abs(flat).sum(axis=1)
    largest_input = max(127 - zero_point, zero_point + 128)
    for channel, (multiplier, shift) in enumerate(multipliers):
        partial = abs(int(folded[channel])) + 128 * int(magnitudes[channel])
        total = abs(int(bias[channel])) + largest_input * int(magnitudes[channel])
        if multiplier < 0 or not fits_int32(max(partial, total), total, multiplier, shift):
            raise refusal(
                operator, f"the sums of output channel {channel} can reach {total}, too near the end of int32"
            )
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


def emit_convolution(
    weighted: Weighted, multipliers: list[tuple[int, int]], output: BufferPosition, build: Builder
) -> None:
    """`multipliers` (of each output channel) are for integers alone."""
    if weighted.input.dtype == "int8":
        _emit_int8(weighted, multipliers, output, build)
    elif weighted.input.dtype == "int16":
        _emit_int16(weighted, multipliers, output, build)
    else:
        _emit_float(weighted, output, build)


def _emit_int8(weighted: Weighted, multipliers: list[tuple[int, int]], output: BufferPosition, build: Builder) -> None:
    low, high = activation_range_quantised(weighted.operator, weighted.activation, weighted.output)
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
        output_zero_point=own_zero_point(weighted.operator, weighted.output),
        minimum=low,
        maximum=high,
    )


def _wide_channels(weighted: Weighted, multipliers: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(bias, multiplier in Q0.15, shift) of each channel whose sums have 64 bits, as MultiplyByQuantizedMultiplier of
    an int64 takes them: it is for sums below 2^47 and factors below 2^8."""
    bias = [0] * len(multipliers) if weighted.bias is None else [int(value) for value in weighted.bias]
    magnitudes = np.abs(weighted.weights.reshape(len(multipliers), -1).astype(np.int64)).sum(axis=1)
    channels = []
    for channel, (multiplier, shift) in enumerate(multipliers):
        total = abs(bias[channel]) + 32768 * int(magnitudes[channel])
        if multiplier < 0 or shift > 7 or total >= 1 << 47:
            raise refusal(weighted.operator, f"the sums of output channel {channel} can reach {total}, times 2^{shift}")
        channels.append((bias[channel], reduced_multiplier(multiplier), shift))
    return channels


def _narrow_channels(weighted: Weighted, multipliers: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(bias, multiplier in Q0.31, shift) of each channel. Proves that no sum leaves int32."""
    bias = [0] * len(multipliers) if weighted.bias is None else [int(value) for value in weighted.bias]
    magnitudes = np.abs(weighted.weights.reshape(len(multipliers), -1).astype(np.int64)).sum(axis=1)
    for channel, (multiplier, shift) in enumerate(multipliers):
        total = abs(bias[channel]) + 32768 * int(magnitudes[channel])
        if multiplier < 0 or not fits_int32(total, total, multiplier, shift):
            raise refusal(
                weighted.operator,
                f"the sums of output channel {channel} can reach {total}, too near the end of int32",
            )
    return [(value, *factor) for value, factor in zip(bias, multipliers, strict=True)]


def int16_channel_table(weighted: Weighted, multipliers: list[tuple[int, int]]) -> NDArray[np.uint32]:
    """[channels, 4]: the bias's low word and high word, multiplier, shift."""
    channels = (_wide_channels if weighted.wide else _narrow_channels)(weighted, multipliers)
    table = np.array([(value & 0xFFFFFFFF, value >> 32, *factor) for value, *factor in channels], np.int64)
    return table.astype(np.uint32)


def _emit_int16(weighted: Weighted, multipliers: list[tuple[int, int]], output: BufferPosition, build: Builder) -> None:
    low, high = activation_range_quantised(weighted.operator, weighted.activation, weighted.output)
    rows = _padded_rows(weighted.weights)
    paired = rows.reshape(len(rows), -1, 4)[:, :, [0, 2, 1, 3]]
    build.step(
        "convolution_int16",
        input=build.read(weighted.input),
        weights=build.constant(paired),
        channels=build.constant(int16_channel_table(weighted, multipliers)),
        scratch=build.scratch(2 * rows.shape[1]),
        output=output,
        **weighted.window.fields(),
        groups=weighted.groups,
        wide=int(weighted.wide),
        minimum=low,
        maximum=high,
    )


def _emit_float(weighted: Weighted, output: BufferPosition, build: Builder) -> None:
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
    """The bias, shaped (output channels,); zeros where the operator has none."""
    return np.zeros(weighted.weights.shape[0], np.float32) if weighted.bias is None else weighted.bias
