"""GATHER, GATHER_ND, EMBEDDING_LOOKUP and DYNAMIC_UPDATE_SLICE: parts at places that are constants or computed."""

from __future__ import annotations

import math

from ..builder import BufferPosition, Builder
from ..format import RANK
from ..model import Operator, Tensor
from .axes import row_major
from .checks import existing_axis, operand, refusal, result, unsupported_error
from .movement import emit_whole_copy, movable_element_bytes


def emit_gather(
    build: Builder,
    source: BufferPosition,
    target: BufferPosition,
    indices: BufferPosition,
    sizes: tuple[int, int, int, int],
    inner_bytes: int,
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
        raise unsupported_error(operator, f"{source.dtype} chosen by {indices.dtype}")
    element_bytes = movable_element_bytes(operator, source, target)
    if indices.constant is not None and not 0 <= indices.values.min() <= indices.values.max() < source.shape[axis]:
        raise refusal(operator, f"an index is outside an axis of {source.shape[axis]}")
    sizes = (
        math.prod(source.shape[:batch_axes]),
        math.prod(source.shape[batch_axes:axis]),
        source.shape[axis],
        math.prod(indices.shape[batch_axes:]),
    )
    inner = math.prod(source.shape[axis + 1 :])
    emit_gather(build, build.read(source), build.allocate(target), build.read(indices), sizes, inner * element_bytes)


def lower_gather(operator: Operator, build: Builder) -> None:
    """Lowers GATHER along one axis, after common batch axes. Raises `PlanRefused`."""
    source, indices = operand(operator, 0), operand(operator, 1)
    axis = existing_axis(operator, operator.integer(0, "i"), len(source.shape))
    batch_axes = operator.integer(1, "i")
    batch_axes += len(indices.shape) if batch_axes < 0 else 0
    if not 0 <= batch_axes <= min(axis, len(indices.shape)) or source.shape[:batch_axes] != indices.shape[:batch_axes]:
        raise refusal(operator, f"{batch_axes} axes are not common to {list(source.shape)} and {list(indices.shape)}")
    _lower(operator, build, source, indices, axis, batch_axes)


def lower_embedding_lookup(operator: Operator, build: Builder) -> None:
    """Lowers EMBEDDING_LOOKUP to a gather of rows. Raises `PlanRefused`."""
    indices, source = operand(operator, 0, 1), operand(operator, 1)
    if source.dtype != result(operator).dtype:
        raise unsupported_error(operator, f"{source.dtype} rows that become {result(operator).dtype}")
    _lower(operator, build, source, indices, 0, 0)


def lower_gather_nd(operator: Operator, build: Builder) -> None:
    """Lowers GATHER_ND. Each row of the indices names a slice by its leading axes. Raises `PlanRefused`."""
    source, indices = operand(operator, 0), operand(operator, 1)
    if source.dtype not in ("float32", "int8") or indices.dtype != "int32":
        raise unsupported_error(operator, f"{source.dtype} chosen by {indices.dtype}")
    depth = indices.shape[-1] if indices.shape else 0
    if not 1 <= depth <= min(len(source.shape), RANK):
        raise refusal(operator, f"{depth} indices do not lead into a tensor of {len(source.shape)} dimensions")
    target = result(operator, indices.shape[:-1] + source.shape[depth:])
    element_bytes = movable_element_bytes(operator, source, target)
    strides = [stride * element_bytes for stride in row_major(source.shape)[:depth]]
    build.step(
        "gather_nd",
        input=build.read(source),
        output=build.allocate(target),
        indices=build.read(indices),
        count=indices.elements // depth,
        depth=depth,
        strides=strides + [0] * (RANK - depth),
        slice_bytes=math.prod(source.shape[depth:]) * element_bytes,
        input_bytes=source.nbytes,
    )


def lower_update_slice(operator: Operator, build: Builder) -> None:
    """DYNAMIC_UPDATE_SLICE: a copy of the whole, and then the part into it."""
    source, update, indices = operand(operator, 0), operand(operator, 1), operand(operator, 2)
    target = result(operator, source.shape)
    element_bytes = movable_element_bytes(operator, source, target)
    if source.dtype not in ("float32", "int8", "int16", "int32") or update.dtype != source.dtype:
        raise unsupported_error(operator, f"{update.dtype} into {source.dtype}")
    if indices.dtype not in ("int32", "int64") or indices.elements != len(source.shape):
        raise unsupported_error(operator, f"{indices.elements} indices of {indices.dtype}")
    rank = len(source.shape)
    if rank > RANK:
        raise unsupported_error(operator, f"{rank} dimensions")
    if len(update.shape) != rank or any(a > b for a, b in zip(update.shape, source.shape, strict=True)):
        raise refusal(operator, f"{list(update.shape)} is no part of {list(source.shape)}")
    place = build.allocate(target)
    emit_whole_copy(operator, build, source, place, row_major(target.shape), element_bytes)
    build.step(
        "update_slice",
        update=build.read(update),
        indices=build.read(indices),
        output=place,
        rank=rank,
        index_bytes=4 if indices.dtype == "int32" else 8,
        element_bytes=element_bytes,
        shape=list(update.shape) + [1] * (RANK - rank),
        output_shape=list(target.shape) + [1] * (RANK - rank),
    )


LOWERINGS = {
    "DYNAMIC_UPDATE_SLICE": lower_update_slice,
    "EMBEDDING_LOOKUP": lower_embedding_lookup,
    "GATHER": lower_gather,
    "GATHER_ND": lower_gather_nd,
}
