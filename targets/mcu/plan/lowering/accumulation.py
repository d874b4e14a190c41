"""ADD_N and CUMSUM: sums of many values.

In int8 both add up in int32, each value 2^19 times its distance from the zero point, and come back at the end. Micro
begins such a sum not with 0 but with what the stored value 0 is worth, which is followed here.
"""

from __future__ import annotations

import math

from ..builder import BufferPosition, Builder
from ..model import Operator, Tensor
from .axes import merge_axes, row_major
from .checks import common_dtype, constant_integers, existing_axis, operand, own_zero_point, refusal, result
from .elementwise import emit_elementwise_float, emit_int32, smaller_than_one
from .rescaling import emit_rescaling_between

_HEADROOM = 20
# Micro scales by a half what it has shifted by the headroom.
_TO_SUM = (1 << 30, _HEADROOM)


def _initial(tensor: Tensor) -> int:
    return -tensor.zero_point * (1 << (_HEADROOM - 1))


def _to_sum(operator: Operator, build: Builder, source: Tensor, place: BufferPosition) -> None:
    zero_points = (own_zero_point(operator, source), 0)
    emit_rescaling_between(build, (build.read(source), place), source.elements, ("int8", "int32"), _TO_SUM, zero_points)


def _from_sum(operator: Operator, build: Builder, place: BufferPosition, source: Tensor, target: Tensor) -> None:
    twice_scale = 2 * float(source.scale)
    factor = smaller_than_one(operator, twice_scale / ((1 << _HEADROOM) * float(target.scale)))
    zero_points = (0, own_zero_point(operator, target))
    emit_rescaling_between(
        build, (place, build.allocate(target)), target.elements, ("int32", "int8"), factor, zero_points
    )


def lower_add_n(operator: Operator, build: Builder) -> None:
    """Lowers ADD_N: float32 by pairs, int8 in a 32-bit sum of inputs of one scale. Raises `PlanRefused`."""
    sources, target = [operand(operator, i) for i in range(len(operator.inputs))], result(operator)
    dtype = common_dtype(operator, *sources, target)
    if len(sources) < 2 or any(source.shape != sources[0].shape for source in sources):
        raise refusal(operator, "its inputs are not two or more of one shape")
    first = sources[0]
    if target.elements != first.elements:
        raise refusal(operator, f"{first.elements} elements cannot become {target.elements}")
    if dtype == "float32":
        place = build.allocate(target)
        total = build.read(first)
        for source in sources[1:]:
            emit_elementwise_float(build, "ADD", (total, build.read(source), place), first.elements)
            total = place
        return
    if any(source.scale != first.scale or source.zero_point != first.zero_point for source in sources):
        raise refusal(operator, "its inputs have different scales")
    total, term = build.scratch(4 * first.elements), build.scratch(4 * first.elements)
    build.step("fill", output=total, bytes=4 * first.elements, pattern=_initial(first) % (1 << 32))
    walk = _flat(first.elements)
    for source in sources:
        _to_sum(operator, build, source, term)
        emit_int32(operator, build, (total, term, total), walk, "ADD")
    _from_sum(operator, build, total, first, target)


def _flat(elements: int) -> dict[str, int | list[int]]:
    merged = merge_axes([elements], [1], [1])
    assert merged is not None
    shape, (stride1, stride2) = merged
    return {"shape": shape, "stride1": stride1, "stride2": stride2, "elements1": elements, "elements2": elements}


def lower_cumulative_sum(operator: Operator, build: Builder) -> None:
    """Lowers CUMSUM along a constant axis. int8 is summed in 32 bits. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    dtype = common_dtype(operator, source, target)
    axes = constant_integers(operator, 1)
    if len(axes) != 1 or not source.shape or source.shape != target.shape:
        raise refusal(operator, f"it has {len(axes)} axes for a tensor of {len(source.shape)} dimensions")
    axis = existing_axis(operator, axes[0], len(source.shape))
    fields = {
        "outer": math.prod(source.shape[:axis]),
        "axis_size": source.shape[axis],
        "inner": row_major(source.shape)[axis],
        "exclusive": int(bool(operator.integer(0))),
        "reverse": int(bool(operator.integer(1))),
    }
    if dtype == "float32":
        build.step("cumulative_sum_float", input=build.read(source), output=build.allocate(target), **fields, initial=0)
        return
    sums = build.scratch(4 * source.elements)
    _to_sum(operator, build, source, sums)
    build.step("cumulative_sum_int32", input=sums, output=sums, **fields, initial=_initial(source))
    _from_sum(operator, build, sums, source, target)


LOWERINGS = {"ADD_N": lower_add_n, "CUMSUM": lower_cumulative_sum}
