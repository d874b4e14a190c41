"""STRIDED_SLICE, SLICE and REVERSE_V2: some elements of a tensor, in their order or backwards."""

from __future__ import annotations

from collections.abc import Sequence

from ..builder import Builder
from ..model import Operator, Tensor
from .axes import row_major
from .checks import constant_integers, existing_axis, operand, refusal, result, unsupported_error
from .movement import emit_copy, movable_element_bytes


def _take(
    operator: Operator,
    build: Builder,
    source: Tensor,
    target: Tensor,
    firsts: Sequence[int],
    steps: Sequence[int],
    counts: Sequence[int],
) -> None:
    """`counts` elements of each axis of `source`, from `firsts` on, become `target`."""
    element_bytes = movable_element_bytes(operator, source, target)
    strides = row_major(source.shape)
    start = sum(first * stride for first, stride in zip(firsts, strides, strict=True))
    emit_copy(
        operator,
        build,
        build.read(source).shifted(start * element_bytes),
        [stride * step for stride, step in zip(strides, steps, strict=True)],
        build.allocate(target),
        row_major(counts),
        counts,
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
            raise refusal(operator, f"index {begin} does not exist along an axis of {size}")
        return first, 1
    last = (size if stride > 0 else -1) if end is None else clamped(end)
    return first, max(0, -(-(last - first) // stride))


def lower_strided_slice(operator: Operator, build: Builder) -> None:
    """Lowers STRIDED_SLICE of at most 4 dimensions with constant bounds. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    begins, ends, steps = (constant_integers(operator, i) for i in (1, 2, 3))
    rank = len(source.shape)
    if not len(begins) == len(ends) == len(steps) == rank or 0 in steps:
        raise unsupported_error(operator, "bounds and strides that do not name every dimension")
    if rank > 4:
        raise unsupported_error(operator, f"{rank} dimensions")
    if operator.integer(2, "i") or operator.integer(3, "i") or operator.integer(5, "b"):
        raise unsupported_error(operator, "an ellipsis, new-axis or offset mask")
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
        raise refusal(operator, f"its output has shape {list(target.shape)} where its bounds give {list(kept)}")
    _take(operator, build, source, target, firsts, steps, counts)


def lower_slice(operator: Operator, build: Builder) -> None:
    """Lowers SLICE with constant bounds. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    begins, sizes = constant_integers(operator, 1), constant_integers(operator, 2)
    rank = len(source.shape)
    if not len(begins) == len(sizes) == rank:
        raise refusal(operator, f"bounds of {len(begins)} and {len(sizes)} dimensions do not fit {rank}")
    counts = [
        size - begin if wanted == -1 else wanted
        for size, begin, wanted in zip(source.shape, begins, sizes, strict=True)
    ]
    fits = all(b >= 0 and c >= 1 and b + c <= s for b, c, s in zip(begins, counts, source.shape, strict=True))
    if not fits or tuple(counts) != target.shape:
        raise refusal(operator, f"{counts} from {begins} is no part of {list(source.shape)}, or not its output's shape")
    _take(operator, build, source, target, begins, [1] * rank, counts)


def lower_reverse(operator: Operator, build: Builder) -> None:
    """Lowers REVERSE_V2 to a copy with negative steps. Raises `PlanRefused`."""
    source = operand(operator, 0)
    target = result(operator, source.shape)
    axes = {existing_axis(operator, axis, len(source.shape)) for axis in constant_integers(operator, 1)}
    firsts = [size - 1 if axis in axes else 0 for axis, size in enumerate(source.shape)]
    steps = [-1 if axis in axes else 1 for axis in range(len(source.shape))]
    _take(operator, build, source, target, firsts, steps, source.shape)


LOWERINGS = {"STRIDED_SLICE": lower_strided_slice, "SLICE": lower_slice, "REVERSE_V2": lower_reverse}
