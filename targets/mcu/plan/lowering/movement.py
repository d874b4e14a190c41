"""Operators that only move elements: shapes that change in name, paddings, joins, slices and permutations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..builder import Builder, Place
from ..model import Operator, Tensor
from .axes import merge_axes, row_major
from .checks import constant_integers, existing_axis, operand, refuse, result, same_elements, unsupported

_MOVABLE = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool")


def movable_element_bytes(operator: Operator, source: Tensor, target: Tensor) -> int:
    if source.dtype != target.dtype or source.dtype not in _MOVABLE:
        raise unsupported(operator, f"{source.dtype} to {target.dtype}")
    return np.dtype(source.dtype).itemsize


def _same_quantisation(operator: Operator, source: Tensor, target: Tensor) -> None:
    """Micro copies int8 values as they are, and refuses where that would change their meaning."""
    if source.dtype == "int8" and (source.scale != target.scale or source.zero_point != target.zero_point):
        raise unsupported(operator, "an input and an output of different scales")


def emit_copy(
    operator: Operator,
    build: Builder,
    source: Place,
    source_strides: Sequence[int],
    target: Place,
    target_strides: Sequence[int],
    shape: Sequence[int],
    element_bytes: int,
) -> None:
    """Strides are in elements; rows that are contiguous on both sides are moved as a whole."""
    merged = merge_axes(shape, source_strides, target_strides)
    if merged is None:
        raise unsupported(operator, "more than five dimensions that cannot be joined")
    sizes, (from_strides, to_strides) = merged
    build.step(
        "copy",
        input=source,
        output=target,
        element_bytes=element_bytes,
        shape=sizes,
        input_stride=[s * element_bytes for s in from_strides],
        output_stride=[s * element_bytes for s in to_strides],
    )


def lower_reshape(operator: Operator, build: Builder) -> None:
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    movable_element_bytes(operator, source, target)
    build.alias(target, source)


def _pad_pattern(operator: Operator, target: Tensor) -> int:
    """The padding value as a word of repeated bits."""
    value = operator.inputs[2] if len(operator.inputs) > 2 else None
    if value is not None:
        if value.constant is None or value.elements != 1 or value.dtype != target.dtype:
            raise unsupported(operator, "a padding value that is not one constant of the input's type")
        _same_quantisation(operator, value, target)
        raw = value.constant.tobytes()
    elif target.dtype == "int8":
        raw = np.int8(target.zero_point).tobytes()
    else:
        raw = bytes(np.dtype(target.dtype).itemsize)
    if len(raw) > 4:
        raise unsupported(operator, f"{target.dtype} tensors")
    return int.from_bytes((raw * 4)[:4], "little")


def lower_pad(operator: Operator, build: Builder) -> None:
    source = operand(operator, 0)
    amounts = constant_integers(operator, 1)
    rank = len(source.shape)
    if len(amounts) != 2 * rank or any(a < 0 for a in amounts):
        raise refuse(operator, f"paddings {amounts[:12]} do not fit a tensor of {rank} dimensions")
    before = amounts[0::2]
    shape = tuple(size + low + high for size, low, high in zip(source.shape, before, amounts[1::2], strict=True))
    target = result(operator, shape)
    element_bytes = movable_element_bytes(operator, source, target)
    place = build.write(target)
    build.step("fill", output=place, bytes=target.nbytes, pattern=_pad_pattern(operator, target))
    strides = row_major(shape)
    start = sum(low * step for low, step in zip(before, strides, strict=True))
    emit_copy(
        operator,
        build,
        build.read(source),
        row_major(source.shape),
        place.shifted(start * element_bytes),
        strides,
        source.shape,
        element_bytes,
    )


def lower_concatenation(operator: Operator, build: Builder) -> None:
    target = result(operator)
    sources = [operand(operator, i) for i in range(len(operator.inputs))]
    rank = len(target.shape)
    axis = existing_axis(operator, operator.integer(0, "i"), rank)
    if not sources:
        raise refuse(operator, "it has no inputs")
    if operator.integer(1) != 0:
        raise unsupported(operator, "a fused activation")
    if any(len(s.shape) != rank for s in sources) or sum(s.shape[axis] for s in sources) != target.shape[axis]:
        raise refuse(operator, "its inputs do not fill its output")
    place = build.write(target)
    strides = row_major(target.shape)
    start = 0
    for source in sources:
        if any(a != b for i, (a, b) in enumerate(zip(source.shape, target.shape, strict=True)) if i != axis):
            raise refuse(operator, f"shape {list(source.shape)} does not fit {list(target.shape)} along axis {axis}")
        element_bytes = movable_element_bytes(operator, source, target)
        _same_quantisation(operator, source, target)
        emit_copy(
            operator,
            build,
            build.read(source),
            row_major(source.shape),
            place.shifted(start * element_bytes),
            strides,
            source.shape,
            element_bytes,
        )
        start += source.shape[axis] * strides[axis]


def lower_pack(operator: Operator, build: Builder) -> None:
    """PACK: tensors of one shape, joined along a new axis."""
    sources = [operand(operator, i) for i in range(len(operator.inputs))]
    target = result(operator)
    axis = existing_axis(operator, operator.integer(1, "i"), len(target.shape))
    item_shape = target.shape[:axis] + target.shape[axis + 1 :]
    if len(sources) != target.shape[axis] or any(source.shape != item_shape for source in sources):
        raise refuse(operator, f"its inputs do not fill {list(target.shape)} along axis {axis}")
    place = build.write(target)
    strides = row_major(target.shape)
    for index, source in enumerate(sources):
        element_bytes = movable_element_bytes(operator, source, target)
        emit_copy(
            operator,
            build,
            build.read(source),
            row_major(source.shape),
            place.shifted(index * strides[axis] * element_bytes),
            strides[:axis] + strides[axis + 1 :],
            source.shape,
            element_bytes,
        )


def _slice_of_axis(
    operator: Operator, size: int, begin: int | None, end: int | None, stride: int, shrink: bool
) -> tuple[int, int]:
    """(first index, count) along one axis (internal/strided_slice_logic.h); None is a masked bound."""
    low, high = (0, size) if stride > 0 else (-1, size - 1)

    def clamped(bound: int) -> int:
        return max(low, min(high, bound + size if bound < 0 else bound))

    first = (0 if stride > 0 else size - 1) if begin is None else clamped(begin)
    if shrink:
        if not 0 <= first < size:
            raise refuse(operator, f"index {begin} does not exist along an axis of {size}")
        return first, 1
    last = (size if stride > 0 else -1) if end is None else clamped(end)
    return first, max(0, -(-(last - first) // stride))


def lower_strided_slice(operator: Operator, build: Builder) -> None:
    source, target = operand(operator, 0), result(operator)
    element_bytes = movable_element_bytes(operator, source, target)
    begins, ends, steps = (constant_integers(operator, i) for i in (1, 2, 3))
    rank = len(source.shape)
    if not len(begins) == len(ends) == len(steps) == rank or 0 in steps:
        raise unsupported(operator, "bounds and strides that do not name every dimension")
    if rank > 4:
        raise unsupported(operator, f"{rank} dimensions")
    if operator.integer(2, "i") or operator.integer(3, "i") or operator.integer(5, "b"):
        raise unsupported(operator, "an ellipsis, new-axis or offset mask")
    begin_mask, end_mask, shrink_mask = (operator.integer(i, "i") for i in (0, 1, 4))
    firsts, counts = [], []
    for axis, size in enumerate(source.shape):
        bit = 1 << axis
        first, count = _slice_of_axis(
            operator,
            size,
            None if begin_mask & bit else begins[axis],
            None if end_mask & bit else ends[axis],
            steps[axis],
            bool(shrink_mask & bit),
        )
        firsts.append(first)
        counts.append(count)
    kept = tuple(count for axis, count in enumerate(counts) if not shrink_mask & (1 << axis))
    if kept != target.shape:
        raise refuse(operator, f"its output has shape {list(target.shape)} where its bounds give {list(kept)}")
    strides = row_major(source.shape)
    start = sum(first * step for first, step in zip(firsts, strides, strict=True))
    emit_copy(
        operator,
        build,
        build.read(source).shifted(start * element_bytes),
        [s * step for s, step in zip(strides, steps, strict=True)],
        build.write(target),
        row_major(counts),
        counts,
        element_bytes,
    )


def lower_transpose(operator: Operator, build: Builder) -> None:
    source = operand(operator, 0)
    order = constant_integers(operator, 1)
    if sorted(order) != list(range(len(source.shape))):
        raise refuse(operator, f"{order[:8]} is not a permutation of {len(source.shape)} dimensions")
    target = result(operator, tuple(source.shape[i] for i in order))
    strides = row_major(source.shape)
    emit_copy(
        operator,
        build,
        build.read(source),
        [strides[i] for i in order],
        build.write(target),
        row_major(target.shape),
        target.shape,
        movable_element_bytes(operator, source, target),
    )


LOWERINGS = {
    "RESHAPE": lower_reshape,
    "SQUEEZE": lower_reshape,
    "EXPAND_DIMS": lower_reshape,
    "PAD": lower_pad,
    "PADV2": lower_pad,
    "CONCATENATION": lower_concatenation,
    "PACK": lower_pack,
    "STRIDED_SLICE": lower_strided_slice,
    "TRANSPOSE": lower_transpose,
}
# Inputs that these look at for their shape alone, or not at all: whatever computes them need not run.
UNREAD_INPUTS = {"RESHAPE": (1,), "EXPAND_DIMS": (1,)}
