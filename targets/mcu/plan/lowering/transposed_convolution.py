"""TRANSPOSE_CONV, as plain convolutions.

Output places whose coordinates leave the same remainder by the stride depend on the input as the output of one plain
convolution does, with every stride-th row and column of the kernel, turned round. Each such *phase* is computed apart
and its pixels are then spread over the output. Products are added in the reference's order, so float32 is exact too.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..builder import BufferPosition, Builder
from ..model import Operator, Tensor
from .axes import row_major
from .checks import dimensions_fit, operand, refusal, result, unsupported_error
from .movement import emit_copy
from .weighted import Weighted, constant_bias, constant_weights, emit_convolution, input_dtype, per_channel_multipliers
from .window import SAME, VALID, Window

_BIAS_INPUT = 3


@dataclass(frozen=True)
class _Phase:
    """Along one axis: the outputs `first`, `first` + stride, …; `taps` are the kernel's rows, None for a row of zeros,
    in the order of the input; the first one lies `padding` places before the input."""

    first: int
    count: int
    taps: tuple[int | None, ...]
    padding: int


def _padding_before(operator: Operator, scheme: int, output: int, kernel: int, stride: int) -> int:
    """Padding before the first value. It equals that of the convolution that would go from the output back to the input
    (kernels/padding.h)."""
    if scheme == VALID:
        return 0
    if scheme != SAME:
        raise unsupported_error(operator, f"padding scheme {scheme}")
    return max(0, (-(-output // stride) - 1) * stride + kernel - output) // 2


def _phases(output: int, kernel: int, stride: int, padding: int) -> list[_Phase]:
    found = []
    for first in range(min(stride, output)):
        last_input, remainder = divmod(first + padding, stride)
        taps: list[int | None] = list(range(remainder, kernel, stride))
        # The window must not begin after the input does: rows of zeros fill it up.
        taps += [None] * (last_input + 1 - len(taps))
        found.append(_Phase(first, -(-(output - first) // stride), tuple(reversed(taps)), len(taps) - 1 - last_input))
    return found


def _part(weights: NDArray[Any], rows: tuple[int | None, ...], columns: tuple[int | None, ...]) -> NDArray[Any]:
    channels, _, _, depth = weights.shape
    part = np.zeros((channels, len(rows), len(columns), depth), weights.dtype)
    for (y, row), (x, column) in itertools.product(enumerate(rows), enumerate(columns)):
        if row is not None and column is not None:
            part[:, y, x] = weights[:, row, column]
    return part


def _window(source: Tensor, channels: int, down: _Phase, across: _Phase) -> Window:
    batches, height, width, depth = source.shape
    return Window(
        batches,
        height,
        width,
        depth,
        down.count,
        across.count,
        channels,
        kernel_height=len(down.taps),
        kernel_width=len(across.taps),
        pad_top=down.padding,
        pad_left=across.padding,
    )


def _spread(
    weighted: Weighted, phase: BufferPosition, place: BufferPosition, strides: tuple[int, int], build: Builder
) -> None:
    """`phase` is dense; `place` is where its first pixel belongs in the output."""
    window = weighted.window
    shape = (window.batches, window.output_height, window.output_width, window.output_channels)
    steps = row_major(weighted.output.shape)
    target_steps = [steps[0], steps[1] * strides[0], steps[2] * strides[1], 1]
    element_bytes = np.dtype(weighted.output.dtype).itemsize
    emit_copy(weighted.operator, build, phase, row_major(shape), place, target_steps, shape, element_bytes)


def lower_transposed_convolution(operator: Operator, build: Builder) -> None:
    """Lowers TRANSPOSE_CONV: each phase of the strides becomes one convolution. Raises `PlanRefused`."""
    source, target = operand(operator, 2, 4), result(operator)
    dtype = input_dtype(operator, source, target)
    weights = constant_weights(operator, dtype, 4)
    channels, kernel_height, kernel_width, depth = weights.shape
    strides = operator.integer(2, "i"), operator.integer(1, "i")
    if len(target.shape) != 4 or target.shape[0] != source.shape[0] or target.shape[3] != channels:
        raise refusal(operator, f"an output of shape {list(target.shape)} does not follow from {list(source.shape)}")
    if depth != source.shape[3]:
        raise refusal(operator, f"its weights are for {depth} input channels, not {source.shape[3]}")
    dimensions_fit(operator, *source.shape, *target.shape, kernel_height, kernel_width, *strides)
    bias = constant_bias(operator, dtype, channels, _BIAS_INPUT, int16=("int64", "int16"))
    scheme = operator.integer(0)
    axes = [
        _phases(output, kernel, stride, _padding_before(operator, scheme, output, kernel, stride))
        for output, kernel, stride in zip(target.shape[1:3], (kernel_height, kernel_width), strides, strict=True)
    ]
    phases = list(itertools.product(*axes))
    whole = Weighted(
        operator, source, target, weights, bias, _window(source, channels, *phases[0]), 1, operator.integer(3)
    )
    multipliers = per_channel_multipliers(whole, 0) if dtype != "float32" else []
    place = build.allocate(target)
    steps, element_bytes = row_major(target.shape), np.dtype(dtype).itemsize
    largest = max(math.prod((source.shape[0], down.count, across.count, channels)) for down, across in phases)
    dense = place if len(phases) == 1 else build.scratch(largest * element_bytes)
    for down, across in phases:
        part = replace(
            whole,
            weights=_part(weights, down.taps, across.taps),
            window=_window(source, channels, down, across),
        )
        emit_convolution(part, multipliers, dense, build)
        if len(phases) > 1:
            start = down.first * steps[1] + across.first * steps[2]
            _spread(part, dense, place.shifted(start * element_bytes), strides, build)


LOWERINGS = {"TRANSPOSE_CONV": lower_transposed_convolution}
