"""PAD, PADV2 and MIRROR_PAD."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..builder import Builder
from ..model import Operator, Tensor
from .axes import row_major
from .checks import constant_integers, operand, refusal, result, unsupported_error
from .movement import emit_copy, emit_whole_copy, movable_element_bytes, same_quantisation

_REFLECT = 0


def _amounts(operator: Operator, source: Tensor) -> list[tuple[int, int]]:
    """(before, after) of each axis."""
    flat = constant_integers(operator, 1)
    rank = len(source.shape)
    if len(flat) != 2 * rank or any(amount < 0 for amount in flat):
        raise refusal(operator, f"paddings {flat[:12]} do not fit a tensor of {rank} dimensions")
    return list(zip(flat[0::2], flat[1::2], strict=True))


def _padded_result(operator: Operator, source: Tensor, amounts: list[tuple[int, int]]) -> Tensor:
    return result(operator, tuple(low + size + high for size, (low, high) in zip(source.shape, amounts, strict=True)))


def _pattern(operator: Operator, target: Tensor) -> int:
    """The padding value as a word of repeated bits."""
    value = operator.inputs[2] if len(operator.inputs) > 2 else None
    if value is not None:
        if value.constant is None or value.elements != 1 or value.dtype != target.dtype:
            raise unsupported_error(operator, "a padding value that is not one constant of the input's type")
        same_quantisation(operator, value, target)
        raw = value.constant.tobytes()
    elif target.dtype == "int8":
        raw = np.int8(target.zero_point).tobytes()
    else:
        raw = bytes(np.dtype(target.dtype).itemsize)
    if len(raw) > 4:
        raise unsupported_error(operator, f"{target.dtype} tensors")
    return int.from_bytes((raw * 4)[:4], "little")


def lower_pad(operator: Operator, build: Builder) -> None:
    """Lowers PAD and PADV2: the output is filled, then the input is copied into it. Raises `PlanRefused`."""
    source = operand(operator, 0)
    amounts = _amounts(operator, source)
    target = _padded_result(operator, source, amounts)
    element_bytes = movable_element_bytes(operator, source, target)
    place = build.allocate(target)
    build.step("fill", output=place, bytes=target.nbytes, pattern=_pattern(operator, target))
    strides = row_major(target.shape)
    start = sum(low * step for (low, _), step in zip(amounts, strides, strict=True))
    emit_whole_copy(operator, build, source, place.shifted(start * element_bytes), strides, element_bytes)


@dataclass(frozen=True)
class _Stretch:
    """A part of one axis of the output that walks the input in one direction."""

    output: int
    input: int
    step: int
    count: int


def _stretches(operator: Operator, size: int, low: int, high: int, edge: int) -> list[_Stretch]:
    """`edge` is 1 where the elements at the ends are not repeated."""
    if max(low, high) > size - edge:
        raise refusal(operator, f"{max(low, high)} places cannot be mirrored from {size}")
    parts = [
        _Stretch(0, low - 1 + edge, -1, low),
        _Stretch(low, 0, 1, size),
        _Stretch(low + size, size - 1 - edge, -1, high),
    ]
    return [part for part in parts if part.count]


def lower_mirror_pad(operator: Operator, build: Builder) -> None:
    """A copy for each combination of the axes' parts."""
    source = operand(operator, 0)
    amounts = _amounts(operator, source)
    target = _padded_result(operator, source, amounts)
    element_bytes = movable_element_bytes(operator, source, target)
    edge = int(operator.integer(0) == _REFLECT)
    axes = [
        _stretches(operator, size, low, high, edge) for size, (low, high) in zip(source.shape, amounts, strict=True)
    ]
    from_strides, to_strides = row_major(source.shape), row_major(target.shape)
    reading, writing = build.read(source), build.allocate(target)
    for parts in itertools.product(*axes):
        first = sum(part.input * stride for part, stride in zip(parts, from_strides, strict=True))
        place = sum(part.output * stride for part, stride in zip(parts, to_strides, strict=True))
        steps: Sequence[int] = [part.step * stride for part, stride in zip(parts, from_strides, strict=True)]
        emit_copy(
            operator,
            build,
            reading.shifted(first * element_bytes),
            steps,
            writing.shifted(place * element_bytes),
            to_strides,
            [part.count for part in parts],
            element_bytes,
        )


LOWERINGS = {"PAD": lower_pad, "PADV2": lower_pad, "MIRROR_PAD": lower_mirror_pad}
