"""Operators that only move elements: shapes that change in name, permutations and repetitions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..builder import BufferPosition, Builder
from ..model import Operator, Tensor
from .axes import broadcast_strides, merge_axes, row_major
from .checks import constant_integers, operand, refusal, result, same_elements, unsupported_error

_MOVABLE = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool")


def movable_element_bytes(operator: Operator, source: Tensor, target: Tensor) -> int:
    """Bytes of an element that is moved as it is. Refuses types that differ, and types that no kernel moves."""
    if source.dtype != target.dtype or source.dtype not in _MOVABLE:
        raise unsupported_error(operator, f"{source.dtype} to {target.dtype}")
    return np.dtype(source.dtype).itemsize


def same_quantisation(operator: Operator, source: Tensor, target: Tensor) -> None:
    """Micro copies int8 values as they are, and refuses where that would change their meaning."""
    if source.dtype == "int8" and (source.scale != target.scale or source.zero_point != target.zero_point):
        raise unsupported_error(operator, "an input and an output of different scales")


def emit_copy(
    operator: Operator,
    build: Builder,
    source: BufferPosition,
    source_strides: Sequence[int],
    target: BufferPosition,
    target_strides: Sequence[int],
    shape: Sequence[int],
    element_bytes: int,
) -> None:
    """Strides are in elements; rows that are contiguous on both sides are moved as a whole."""
    merged = merge_axes(shape, source_strides, target_strides)
    if merged is None:
        raise unsupported_error(operator, "more than five dimensions that cannot be joined")
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


def emit_whole_copy(
    operator: Operator,
    build: Builder,
    source: Tensor,
    target: BufferPosition,
    target_strides: Sequence[int],
    element_bytes: int,
) -> None:
    """All of `source` into a part of something larger: `target` is where that starts."""
    strides = row_major(source.shape)
    emit_copy(operator, build, build.read(source), strides, target, target_strides, source.shape, element_bytes)


def emit_bytes(build: Builder, source: BufferPosition, target: BufferPosition, nbytes: int) -> None:
    """A copy of bytes as they are."""
    build.step(
        "copy",
        input=source,
        output=target,
        element_bytes=1,
        shape=[1, 1, 1, 1, nbytes],
        input_stride=[0, 0, 0, 0, 1],
        output_stride=[0, 0, 0, 0, 1],
    )


def lower_reshape(operator: Operator, build: Builder) -> None:
    """Lowers RESHAPE, SQUEEZE and EXPAND_DIMS: the output shares the input's memory. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    movable_element_bytes(operator, source, target)
    build.alias(target, source)


def lower_transpose(operator: Operator, build: Builder) -> None:
    """Lowers TRANSPOSE to a copy with permuted strides. Raises `PlanRefused`."""
    source = operand(operator, 0)
    order = constant_integers(operator, 1)
    if sorted(order) != list(range(len(source.shape))):
        raise refusal(operator, f"{order[:8]} is not a permutation of {len(source.shape)} dimensions")
    target = result(operator, tuple(source.shape[i] for i in order))
    strides = row_major(source.shape)
    emit_copy(
        operator,
        build,
        build.read(source),
        [strides[i] for i in order],
        build.allocate(target),
        row_major(target.shape),
        target.shape,
        movable_element_bytes(operator, source, target),
    )


def lower_broadcast_to(operator: Operator, build: Builder) -> None:
    """Lowers BROADCAST_TO to a copy that repeats values. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    element_bytes = movable_element_bytes(operator, source, target)
    strides = broadcast_strides(source.shape, target.shape)
    if strides is None:
        raise refusal(operator, f"shape {list(source.shape)} cannot be repeated to {list(target.shape)}")
    emit_copy(
        operator,
        build,
        build.read(source),
        strides,
        build.allocate(target),
        row_major(target.shape),
        target.shape,
        element_bytes,
    )


LOWERINGS = {
    "RESHAPE": lower_reshape,
    "SQUEEZE": lower_reshape,
    "EXPAND_DIMS": lower_reshape,
    "TRANSPOSE": lower_transpose,
    "BROADCAST_TO": lower_broadcast_to,
}
# Inputs that these look at for their shape alone, or not at all: whatever computes them need not run.
UNREAD_INPUTS = {
    "RESHAPE": (1,),
    "EXPAND_DIMS": (1,),
    "BROADCAST_TO": (1,),
    "TRANSPOSE_CONV": (0,),
    "SHAPE": (0,),
    "FILL": (0,),
    "ZEROS_LIKE": (0,),
}
