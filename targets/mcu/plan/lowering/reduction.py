"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, ARG_MAX and ARG_MIN."""

from __future__ import annotations

import math

from ..builder import Builder
from ..fixed_point import quantise_multiplier
from ..model import Operator, Tensor
from .axes import merge_axes, row_major
from .checks import (
    common_dtype,
    constant_integers,
    existing_axis,
    operand,
    own_zero_point,
    refusal,
    result,
    unsupported_error,
)
from .movement import same_quantisation
from .weighted import fits_int32


def _reduced_axes(operator: Operator, rank: int) -> set[int]:
    axes = constant_integers(operator, 1)
    if any(not -rank <= axis < rank for axis in axes):
        raise refusal(operator, f"axes {axes[:8]} do not exist in a tensor of {rank} dimensions")
    return {axis % rank for axis in axes}


def _sum_strides(operator: Operator, source: Tensor, target: Tensor) -> tuple[list[int], list[int], int]:
    """(shape, strides of the sums, elements averaged); the input itself is walked in its own order."""
    reduced = _reduced_axes(operator, len(source.shape))
    kept = [1 if i in reduced else size for i, size in enumerate(source.shape)]
    if math.prod(kept) != target.elements:
        raise refusal(operator, f"its output has {target.elements} elements where its axes leave {math.prod(kept)}")
    strides = [0 if i in reduced else step for i, step in enumerate(row_major(kept))]
    merged = merge_axes(source.shape, row_major(source.shape), strides)
    if merged is None:
        raise unsupported_error(operator, f"reducing {sorted(reduced)} of {list(source.shape)}")
    shape, (_, sum_strides) = merged
    return shape, sum_strides, source.elements // target.elements


def _emit_sum(operator: Operator, build: Builder, mean: bool) -> None:
    source, target = operand(operator, 0), result(operator)
    dtype = common_dtype(operator, source, target, others=("int16",))
    shape, strides, count = _sum_strides(operator, source, target)
    if dtype == "float32":
        build.step(
            "mean_float",
            input=build.read(source),
            output=build.allocate(target),
            shape=shape,
            stride=strides,
            output_elements=target.elements,
            divisor=float(count) if mean else 1.0,
        )
        return
    multiplier, shift = quantise_multiplier(float(source.scale) / float(target.scale))
    if mean:
        # The division by the number of elements becomes part of the multiplier (reference/reduce.h).
        extra = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier = (multiplier << extra) // count
        shift -= extra
    total = (255 if dtype == "int8" else 65535) * count
    if not fits_int32(total, total, multiplier, shift):
        raise refusal(operator, f"adding {count} elements with these scales can overflow int32")
    build.step(
        f"mean_{dtype}",
        input=build.read(source),
        output=build.allocate(target),
        scratch=build.scratch(4 * target.elements),
        shape=shape,
        stride=strides,
        output_elements=target.elements,
        bias=-own_zero_point(operator, source) * count,
        multiplier=multiplier,
        shift=shift,
        output_zero_point=target.zero_point,
    )


def lower_mean(operator: Operator, build: Builder) -> None:
    """Lowers MEAN. Raises `PlanRefused`."""
    _emit_sum(operator, build, mean=True)


def lower_sum(operator: Operator, build: Builder) -> None:
    """Lowers SUM. Raises `PlanRefused`."""
    _emit_sum(operator, build, mean=False)


def lower_extreme(operator: Operator, build: Builder) -> None:
    """Lowers REDUCE_MAX and REDUCE_MIN. Input and output have one quantisation. Raises `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    dtype = common_dtype(operator, source, target)
    same_quantisation(operator, source, target)
    kernel = "reduce_extreme_int8" if dtype == "int8" else "reduce_extreme_float"
    emit_extreme(operator, build, source, target, kernel, operator.name == "REDUCE_MAX")


def emit_extreme(
    operator: Operator, build: Builder, source: Tensor, target: Tensor, kernel: str, maximum: bool
) -> None:
    """Add the step that takes the largest (`maximum`) or the least value along the reduced axes."""
    shape, strides, _ = _sum_strides(operator, source, target)
    build.step(
        kernel,
        input=build.read(source),
        output=build.allocate(target),
        shape=shape,
        stride=strides,
        output_elements=target.elements,
        maximum=int(maximum),
    )


def lower_place_of_extreme(operator: Operator, build: Builder) -> None:
    """ARG_MAX and ARG_MIN, of the first where several are equal."""
    source, target = operand(operator, 0), result(operator)
    axes = constant_integers(operator, 1)
    if len(axes) != 1 or not source.shape:
        raise refusal(operator, f"it has {len(axes)} axes for a tensor of {len(source.shape)} dimensions")
    axis = existing_axis(operator, axes[0], len(source.shape))
    if source.dtype not in ("int8", "float32") or target.dtype != "int32":
        raise unsupported_error(operator, f"places in {source.dtype} as {target.dtype}")
    outer, inner = math.prod(source.shape[:axis]), math.prod(source.shape[axis + 1 :])
    if target.elements != outer * inner:
        raise refusal(operator, f"its output has {target.elements} elements, not {outer * inner}")
    build.step(
        "arg_extreme_int8" if source.dtype == "int8" else "arg_extreme_float",
        input=build.read(source),
        output=build.allocate(target),
        outer=outer,
        axis_size=source.shape[axis],
        inner=inner,
        maximum=int(operator.name == "ARG_MAX"),
    )


LOWERINGS = {
    "MEAN": lower_mean,
    "SUM": lower_sum,
    "REDUCE_MAX": lower_extreme,
    "REDUCE_MIN": lower_extreme,
    "ARG_MAX": lower_place_of_extreme,
    "ARG_MIN": lower_place_of_extreme,
}
