"""RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR: which places of the input each place of the output is made of is known
here, in the reference's float32 or integer arithmetic, and goes into tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..builder import BufferPosition, Builder
from ..model import Operator, Tensor
from .checks import common_dtype, constant_integers, dimensions_fit, operand, refusal, result
from .gather import emit_gather
from .movement import movable_element_bytes

_ONE = 1 << 10
_Float = np.float32


def _ends(operator: Operator) -> tuple[Tensor, Tensor]:
    source, target = operand(operator, 0, 4), result(operator)
    size = constant_integers(operator, 1)
    if len(size) != 2 or target.shape != (source.shape[0], *size, source.shape[3]):
        raise refusal(operator, f"its output has shape {list(target.shape)} where it asks for {size[:4]}")
    dimensions_fit(operator, *source.shape, *target.shape)
    return source, target


def _corners(operator: Operator, slot: int) -> tuple[bool, bool]:
    """(align corners, half pixel centres)"""
    align, half = bool(operator.integer(slot)), bool(operator.integer(slot + 1))
    if align and half and operator.name == "RESIZE_BILINEAR":
        raise refusal(operator, "it asks for aligned corners and for half-pixel centres")
    return align, half


def integer_table(size: int, output: int, align: bool, half: bool) -> NDArray[np.int32]:
    """ComputeInterpolationValuesInteger for each place: (lower, upper, fraction in 1/1024)."""
    before, after = (size - 1, output - 1) if align and output > 1 else (size, output)
    scale = (_ONE * before + after // 2) // after
    table = []
    for index in range(output):
        position = index * scale + (scale // 2 - _ONE // 2 if half else 0)
        lower = max(int(position / _ONE), 0)  # towards zero, as C divides
        upper = min(int((position + _ONE - 1) / _ONE), size - 1)
        table.append((lower, upper, position - _ONE * lower))
    return np.array(table, np.int32)


def float_table(size: int, output: int, align: bool, half: bool) -> NDArray[np.int32]:
    """ComputeInterpolationValues for each place: (lower, upper, the bits of the fraction)."""
    before, after = (size - 1, output - 1) if align and output > 1 else (size, output)
    scale = _Float(before) / _Float(after)
    places = np.arange(output, dtype=_Float)
    positions = (places + _Float(0.5)) * scale - _Float(0.5) if half else places * scale
    lower = np.maximum(np.floor(positions).astype(np.int32), 0)
    upper = np.minimum(np.ceil(positions).astype(np.int32), size - 1)
    fractions = (positions - lower.astype(_Float)).astype(_Float)
    return np.column_stack([lower, upper, fractions.view(np.int32)])


def lower_bilinear(operator: Operator, build: Builder) -> None:
    """Lowers RESIZE_BILINEAR. Two tables hold the neighbours and weights of each output row and column. Raises
    `PlanRefused`."""
    source, target = _ends(operator)
    dtype = common_dtype(operator, source, target)
    make = integer_table if dtype == "int8" else float_table
    rows, columns = (make(source.shape[i], target.shape[i], *_corners(operator, 2)) for i in (1, 2))
    for table, size in ((rows, source.shape[1]), (columns, source.shape[2])):
        if table[:, :2].max() >= size:
            raise refusal(operator, f"a place beyond the {size} of its input follows from its scale")
    batches, height, width, channels = source.shape
    build.step(
        "resize_int8" if dtype == "int8" else "resize_float",
        input=build.read(source),
        output=build.allocate(target),
        rows=build.constant(rows),
        columns=build.constant(columns),
        batches=batches,
        input_height=height,
        input_width=width,
        channels=channels,
        output_height=target.shape[1],
        output_width=target.shape[2],
    )


def nearest_indices(size: int, output: int, align: bool, half: bool) -> NDArray[np.int32]:
    """GetNearestNeighbor for each place."""
    before, after = (size - 1, output - 1) if align and output > 1 else (size, output)
    scale = _Float(before) / _Float(after)
    positions = (np.arange(output, dtype=_Float) + _Float(0.5 if half else 0.0)) * scale
    # Halves away from zero; no position is negative, and one that is near enough to the next half has no bits for it.
    chosen = np.floor(positions.astype(np.float64) + 0.5) if align else np.floor(positions)
    return np.minimum(chosen.astype(np.int32), size - 1)


def lower_nearest(operator: Operator, build: Builder) -> None:
    """Columns are chosen first where the image grows in height, so that fewer of them are moved; else rows."""
    source, target = _ends(operator)
    element_bytes = movable_element_bytes(operator, source, target)
    corners = _corners(operator, 0)
    batches, height, width, channels = source.shape
    _, rows, columns, _ = target.shape
    row_indices, column_indices = nearest_indices(height, rows, *corners), nearest_indices(width, columns, *corners)
    pixel = channels * element_bytes

    def choose_rows(source_place: BufferPosition, target_place: BufferPosition, row_width: int) -> None:
        sizes = (1, batches, height, rows)
        emit_gather(build, source_place, target_place, build.constant(row_indices), sizes, row_width * pixel)

    def choose_columns(source_place: BufferPosition, target_place: BufferPosition, lines: int) -> None:
        sizes = (1, batches * lines, width, columns)
        emit_gather(build, source_place, target_place, build.constant(column_indices), sizes, pixel)

    reading, writing = build.read(source), build.allocate(target)
    if height * columns <= rows * width:
        between = build.scratch(batches * height * columns * pixel)
        choose_columns(reading, between, height)
        choose_rows(between, writing, columns)
    else:
        between = build.scratch(batches * rows * width * pixel)
        choose_rows(reading, between, width)
        choose_columns(between, writing, rows)


LOWERINGS = {"RESIZE_BILINEAR": lower_bilinear, "RESIZE_NEAREST_NEIGHBOR": lower_nearest}
