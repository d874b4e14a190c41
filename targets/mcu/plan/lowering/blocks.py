"""SPACE_TO_DEPTH, DEPTH_TO_SPACE, SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: blocks of pixels become channels or batches,
and back."""

from __future__ import annotations

import itertools

from ..builder import Builder
from ..model import Operator, Tensor
from .axes import row_major
from .checks import constant_integers, operand, refusal, result, unsupported_error
from .movement import emit_copy, movable_element_bytes


def _blocks(operator: Operator, fine: Tensor, coarse: Tensor) -> tuple[list[int], list[int], list[int]]:
    """(shape, strides in `fine`, strides in `coarse`) of both tensors seen as [batches, height, width, rows of a block,
    columns of a block, channels]; `fine` is the one with more pixels."""
    block = operator.integer(0, "i")
    if len(fine.shape) != 4 or len(coarse.shape) != 4 or block < 1:
        raise refusal(operator, f"{list(fine.shape)} and {list(coarse.shape)} are not images with blocks of {block}")

    batches, height, width, depth = coarse.shape
    channels = fine.shape[3]
    if fine.shape != (batches, height * block, width * block, channels) or depth != channels * block * block:
        raise refusal(operator, f"{list(fine.shape)} is not {list(coarse.shape)} with blocks of {block}")
    rows, columns = fine.shape[1:3]
    shape = [batches, height, width, block, block, channels]
    image, row = rows * columns * channels, columns * channels
    in_fine = [image, block * row, block * channels, row, channels, 1]
    return shape, in_fine, row_major(shape)


def lower_space_to_depth(operator: Operator, build: Builder) -> None:
    """Lowers SPACE_TO_DEPTH to a copy. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    element_bytes = movable_element_bytes(operator, source, target)
    shape, in_source, in_target = _blocks(operator, source, target)
    emit_copy(operator, build, build.read(source), in_source, build.allocate(target), in_target, shape, element_bytes)


def lower_depth_to_space(operator: Operator, build: Builder) -> None:
    """Lowers DEPTH_TO_SPACE to a copy. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    element_bytes = movable_element_bytes(operator, source, target)
    shape, in_target, in_source = _blocks(operator, target, source)
    emit_copy(operator, build, build.read(source), in_source, build.allocate(target), in_target, shape, element_bytes)


def _image(operator: Operator, tensor: Tensor) -> tuple[int, int, int, int]:
    """[batches, height, width, channels]; a tensor of three axes has a width of 1."""
    if len(tensor.shape) not in (3, 4):
        raise unsupported_error(operator, f"{len(tensor.shape)} dimensions")
    batches, height, *width, channels = tensor.shape
    return batches, height, width[0] if width else 1, channels


def _two_axes(operator: Operator, rank: int) -> tuple[list[int], list[int]]:
    """(block sizes, amounts before and after of each axis); both of two axes."""
    sizes, amounts = constant_integers(operator, 1), constant_integers(operator, 2)
    if len(sizes) != rank - 2 or len(amounts) != 2 * len(sizes) or min(sizes) < 1 or min(amounts) < 0:
        raise refusal(operator, f"blocks {sizes[:4]} with {amounts[:8]} around them do not fit {rank} dimensions")
    return (sizes, amounts) if rank == 4 else ([*sizes, 1], [*amounts, 0, 0])


def _coarse_range(offset: int, block: int, before: int, fine: int, coarse: int) -> tuple[int, int]:
    """First and one past the last place of a coarse axis whose `place * block + offset - before` is in the fine one."""
    first = max(0, -(-(before - offset) // block))
    return first, min(coarse, -(-(fine + before - offset) // block))


def _lower_batches(operator: Operator, build: Builder, fine: Tensor, coarse: Tensor, to_batches: bool) -> None:
    """A copy for each place in a block: the batches of `coarse` are those of `fine`, once for each."""
    element_bytes = movable_element_bytes(operator, fine, coarse)
    sizes, amounts = _two_axes(operator, len(fine.shape))
    batches, height, width, channels = _image(operator, fine)
    coarse_batches, coarse_height, coarse_width, coarse_channels = _image(operator, coarse)
    padded = height + amounts[0] + amounts[1], width + amounts[2] + amounts[3]
    expected = (batches * sizes[0] * sizes[1], *(-(-p // s) for p, s in zip(padded, sizes, strict=True)), channels)
    exact = all(p % s == 0 for p, s in zip(padded, sizes, strict=True))
    if not exact or (coarse_batches, coarse_height, coarse_width, coarse_channels) != expected:
        raise refusal(operator, f"{list(fine.shape)} is not {list(coarse.shape)} with blocks of {sizes}")
    in_fine, in_coarse = (row_major(shape) for shape in ((batches, height, width, channels), expected))
    source, target = (fine, coarse) if to_batches else (coarse, fine)
    reading, writing = build.read(source), build.allocate(target)
    if to_batches and any(amounts):
        fill = target.zero_point & 0xFF if target.dtype == "int8" else 0
        build.step("fill", output=writing, bytes=target.nbytes, pattern=fill * 0x01010101)
    for index, (y, x) in enumerate(itertools.product(range(sizes[0]), range(sizes[1]))):
        top, bottom = _coarse_range(y, sizes[0], amounts[0], height, coarse_height)
        left, right = _coarse_range(x, sizes[1], amounts[2], width, coarse_width)
        if top >= bottom or left >= right:
            continue
        row, column = top * sizes[0] + y - amounts[0], left * sizes[1] + x - amounts[2]
        fine_start = (row * in_fine[1] + column * in_fine[2]) * element_bytes
        coarse_start = index * batches * in_coarse[0] + top * in_coarse[1] + left * in_coarse[2]
        fine_strides = [in_fine[0], in_fine[1] * sizes[0], in_fine[2] * sizes[1], 1]
        shape = (batches, bottom - top, right - left, channels)
        sides = (fine_start, fine_strides), (coarse_start * element_bytes, in_coarse)
        (from_start, from_strides), (to_start, to_strides) = sides if to_batches else reversed(sides)
        emit_copy(
            operator,
            build,
            reading.shifted(from_start),
            from_strides,
            writing.shifted(to_start),
            to_strides,
            shape,
            element_bytes,
        )


def lower_space_to_batch(operator: Operator, build: Builder) -> None:
    """Lowers SPACE_TO_BATCH_ND. Raises `PlanRefused`."""
    _lower_batches(operator, build, operand(operator, 0), result(operator), to_batches=True)


def lower_batch_to_space(operator: Operator, build: Builder) -> None:
    """Lowers BATCH_TO_SPACE_ND. Raises `PlanRefused`."""
    _lower_batches(operator, build, result(operator), operand(operator, 0), to_batches=False)


LOWERINGS = {
    "SPACE_TO_DEPTH": lower_space_to_depth,
    "DEPTH_TO_SPACE": lower_depth_to_space,
    "SPACE_TO_BATCH_ND": lower_space_to_batch,
    "BATCH_TO_SPACE_ND": lower_batch_to_space,
}
