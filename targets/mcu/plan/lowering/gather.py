"""GATHER and EMBEDDING_LOOKUP: slices of an axis, chosen by numbers that are constants or computed."""

from __future__ import annotations

import math

from ..builder import Builder, Place
from ..model import Operator, Tensor
from .checks import existing_axis, operand, refuse, result, unsupported
from .movement import movable_element_bytes


def emit_gather(
    build: Builder, source: Place, target: Place, indices: Place, sizes: tuple[int, int, int, int], inner_bytes: int
) -> None:
    """`sizes` are batches (each with indices of its own), lines of a batch, places of the axis and indices."""
    batches, outer, axis_size, count = sizes
    build.step(
        "gather",
        input=source,
        output=target,
        indices=indices,
        batches=batches,
        outer=outer,
        axis_size=axis_size,
        count=count,
        inner_bytes=inner_bytes,
    )


def _lower(operator: Operator, build: Builder, source: Tensor, indices: Tensor, axis: int, batch_axes: int) -> None:
    target = result(operator, source.shape[:axis] + indices.shape[batch_axes:] + source.shape[axis + 1 :])
    if source.dtype not in ("float32", "int8") or indices.dtype != "int32":
        raise unsupported(operator, f"{source.dtype} chosen by {indices.dtype}")
    element_bytes = movable_element_bytes(operator, source, target)
    if indices.constant is not None and not 0 <= indices.values.min() <= indices.values.max() < source.shape[axis]:
        raise refuse(operator, f"an index is outside an axis of {source.shape[axis]}")
    sizes = (
        math.prod(source.shape[:batch_axes]),
        math.prod(source.shape[batch_axes:axis]),
        source.shape[axis],
        math.prod(indices.shape[batch_axes:]),
    )
    inner = math.prod(source.shape[axis + 1 :])
    emit_gather(build, build.read(source), build.write(target), build.read(indices), sizes, inner * element_bytes)


def lower_gather(operator: Operator, build: Builder) -> None:
    source, indices = operand(operator, 0), operand(operator, 1)
    axis = existing_axis(operator, operator.integer(0, "i"), len(source.shape))
    batch_axes = operator.integer(1, "i")
    batch_axes += len(indices.shape) if batch_axes < 0 else 0
    if not 0 <= batch_axes <= min(axis, len(indices.shape)) or source.shape[:batch_axes] != indices.shape[:batch_axes]:
        raise refuse(operator, f"{batch_axes} axes are not common to {list(source.shape)} and {list(indices.shape)}")
    _lower(operator, build, source, indices, axis, batch_axes)


def lower_embedding_lookup(operator: Operator, build: Builder) -> None:
    indices, source = operand(operator, 0, 1), operand(operator, 1)
    if source.dtype != result(operator).dtype:
        raise unsupported(operator, f"{source.dtype} rows that become {result(operator).dtype}")
    _lower(operator, build, source, indices, 0, 0)


LOWERINGS = {"GATHER": lower_gather, "EMBEDDING_LOOKUP": lower_embedding_lookup}
