"""CONCATENATION and PACK: several tensors become one, along an axis that there is or a new one."""

from __future__ import annotations

from ..builder import Builder
from ..model import Operator, Tensor
from .axes import row_major
from .checks import existing_axis, operand, refusal, result, unsupported_error
from .movement import emit_whole_copy, movable_element_bytes, same_quantisation


def _sources(operator: Operator) -> list[Tensor]:
    sources = [operand(operator, i) for i in range(len(operator.inputs))]
    if not sources:
        raise refusal(operator, "it has no inputs")
    return sources


def _join(operator: Operator, build: Builder, sources: list[Tensor], starts: list[int], strides: list[int]) -> None:
    """Each source to its start in the output, in elements, where `strides` are those of its own axes."""
    target = result(operator)
    place = build.allocate(target)
    for source, start in zip(sources, starts, strict=True):
        element_bytes = movable_element_bytes(operator, source, target)
        emit_whole_copy(operator, build, source, place.shifted(start * element_bytes), strides, element_bytes)


def lower_concatenation(operator: Operator, build: Builder) -> None:
    """Lowers CONCATENATION along an existing axis. Inputs and output have one quantisation. Raises `PlanRefused`."""
    target, sources = result(operator), _sources(operator)
    rank = len(target.shape)
    axis = existing_axis(operator, operator.integer(0, "i"), rank)
    if operator.integer(1) != 0:
        raise unsupported_error(operator, "a fused activation")
    if any(len(s.shape) != rank for s in sources) or sum(s.shape[axis] for s in sources) != target.shape[axis]:
        raise refusal(operator, "its inputs do not fill its output")
    strides = row_major(target.shape)
    starts, next_start = [], 0
    for source in sources:
        if any(a != b for i, (a, b) in enumerate(zip(source.shape, target.shape, strict=True)) if i != axis):
            raise refusal(operator, f"shape {list(source.shape)} does not fit {list(target.shape)} along axis {axis}")
        same_quantisation(operator, source, target)
        starts.append(next_start)
        next_start += source.shape[axis] * strides[axis]
    _join(operator, build, sources, starts, strides)


def lower_pack(operator: Operator, build: Builder) -> None:
    """Tensors of one shape, joined along a new axis."""
    target, sources = result(operator), _sources(operator)
    axis = existing_axis(operator, operator.integer(1, "i"), len(target.shape))
    item_shape = target.shape[:axis] + target.shape[axis + 1 :]
    if len(sources) != target.shape[axis] or any(source.shape != item_shape for source in sources):
        raise refusal(operator, f"its inputs do not fill {list(target.shape)} along axis {axis}")
    strides = row_major(target.shape)
    starts = [index * strides[axis] for index in range(len(sources))]
    _join(operator, build, sources, starts, strides[:axis] + strides[axis + 1 :])


LOWERINGS = {"CONCATENATION": lower_concatenation, "PACK": lower_pack}
