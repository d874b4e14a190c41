"""Integers that are shifted to another zero point, scaled and clamped, element by element."""

from __future__ import annotations

from ..builder import Builder
from ..model import Operator, Tensor
from .checks import integer_range, own_zero_point, refuse

# Of `enum cast_type` (firmware/steps_elementwise.h).
_TYPES = {"int8": 0, "int16": 1, "int32": 2}
RESCALABLE = frozenset(_TYPES)
Factor = tuple[int, int]
SCALED, SCALED_NEGATED, NEGATED_SCALED = range(3)
"""What becomes of values below the zero point: `enum rescale_below`."""
UNCHANGED: Factor = (1 << 30, 1)
"""A factor of 1."""


def emit_rescaling(
    operator: Operator,
    build: Builder,
    source: Tensor,
    target: Tensor,
    factor: Factor,
    below: Factor | None = None,
    below_way: int = SCALED,
    zero_points: tuple[int, int] | None = None,
    bounds: tuple[int, int] | None = None,
) -> None:
    """`below`, used in the way `below_way`, is the factor of what is below the zero point, if it is another;
    `zero_points` are (input's, output's), those of the tensors if not given, and `bounds` those of the output's type.
    """
    input_zero_point, output_zero_point = zero_points or (
        own_zero_point(operator, source),
        own_zero_point(operator, target),
    )
    below = factor if below is None else below
    if max(factor[1], below[1]) > 30:
        raise refuse(operator, "its scales magnify values beyond int32")
    low, high = bounds or integer_range(target.dtype)
    build.step(
        "rescale",
        input=build.read(source),
        output=build.write(target),
        elements=source.elements,
        **{"from": _TYPES[source.dtype], "to": _TYPES[target.dtype]},
        input_zero_point=input_zero_point,
        multiplier=factor[0],
        shift=factor[1],
        below=below_way,
        negative_multiplier=below[0],
        negative_shift=below[1],
        output_zero_point=output_zero_point,
        minimum=low,
        maximum=high,
    )
