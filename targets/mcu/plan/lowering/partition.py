"""SPLIT, SPLIT_V and UNPACK: one tensor cut into several along an axis.

A part whose elements are neighbours in the whole stays where it is, and costs nothing; others are copied out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..builder import Builder
from ..model import Operator, Tensor
from .axes import row_major
from .checks import constant_integers, existing_axis, operand, refusal
from .movement import emit_copy, movable_element_bytes


def _emit_part(
    operator: Operator, build: Builder, source: Tensor, target: Tensor, axis: int, start: int, shape: Sequence[int]
) -> None:
    """`target` is the part of `shape` that begins at `start` along `axis`."""
    element_bytes = movable_element_bytes(operator, source, target)
    strides = row_major(source.shape)
    offset = start * strides[axis] * element_bytes
    if math.prod(shape[:axis]) == 1:
        build.alias(target, source, offset)
        return
    emit_copy(
        operator,
        build,
        build.read(source).shifted(offset),
        strides,
        build.allocate(target),
        row_major(shape),
        shape,
        element_bytes,
    )


def _lower_parts(operator: Operator, build: Builder, source: Tensor, axis_input: int) -> None:
    """The sizes of the parts are those of the outputs, which must be the whole."""
    axes = constant_integers(operator, axis_input)
    if len(axes) != 1:
        raise refusal(operator, f"it has {len(axes)} axes, not 1")
    axis = existing_axis(operator, axes[0], len(source.shape))
    start = 0
    for target in operator.outputs:
        size = target.shape[axis] if len(target.shape) == len(source.shape) else 0
        part = (*source.shape[:axis], size, *source.shape[axis + 1 :])
        if size < 1 or target.shape != part or start + size > source.shape[axis]:
            raise refusal(operator, f"an output of shape {list(target.shape)} is no part of {list(source.shape)}")
        _emit_part(operator, build, source, target, axis, start, part)
        start += size
    if start != source.shape[axis]:
        raise refusal(operator, f"its outputs take {start} of {source.shape[axis]} along axis {axis}")


def lower_split(operator: Operator, build: Builder) -> None:
    """Lowers SPLIT into parts of one shape. Raises `PlanRefused`."""
    if len({target.shape for target in operator.outputs}) != 1:
        raise refusal(operator, "its outputs are not of one shape")
    _lower_parts(operator, build, operand(operator, 1), axis_input=0)


def lower_split_v(operator: Operator, build: Builder) -> None:
    """Lowers SPLIT_V into parts of the outputs' sizes. Raises `PlanRefused`."""
    _lower_parts(operator, build, operand(operator, 0), axis_input=2)


def lower_unpack(operator: Operator, build: Builder) -> None:
    """Lowers UNPACK: each output is one place of the axis. Raises `PlanRefused`."""
    source = operand(operator, 0)
    axis = existing_axis(operator, operator.integer(1, "i"), len(source.shape))
    item_shape = source.shape[:axis] + source.shape[axis + 1 :]
    if len(operator.outputs) != source.shape[axis] or any(t.shape != item_shape for t in operator.outputs):
        raise refusal(operator, f"its outputs are not the parts of {list(source.shape)} along axis {axis}")
    part = (*source.shape[:axis], 1, *source.shape[axis + 1 :])
    for index, target in enumerate(operator.outputs):
        _emit_part(operator, build, source, target, axis, index, part)


LOWERINGS = {"SPLIT": lower_split, "SPLIT_V": lower_split_v, "UNPACK": lower_unpack}
