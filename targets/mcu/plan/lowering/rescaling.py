"""Integers that are shifted to another zero point, scaled and clamped, element by element."""

from __future__ import annotations

from ..builder import BufferPosition, Builder
from ..model import Operator, Tensor
from .checks import integer_range, own_zero_point, refusal

# Of `enum cast_type` (firmware/steps_elementwise.h).
_TYPES = {"int8": 0, "int16": 1, "int32": 2}
Factor = tuple[int, int]
SCALED, SCALED_NEGATED, NEGATED_SCALED = range(3)
"""What becomes of values below the zero point: `enum rescale_below`."""
UNCHANGED: Factor = (1 << 30, 1)
"""A factor of 1."""


def emit_rescaling_between(
    build: Builder,
    places: tuple[BufferPosition, BufferPosition],
    elements: int,
    dtypes: tuple[str, str],
    factor: Factor,
    zero_points: tuple[int, int],
    below: Factor | None = None,
    below_way: int = SCALED,
    bounds: tuple[int, int] | None = None,
) -> None:
    """`places`, `dtypes` and `zero_points` are the input's and the output's.

    `below`, used in the way `below_way`, is the factor of what is below the zero point, if it is another; `bounds` are
    those of the output's type if not given.
    """
    below = factor if below is None else below
    low, high = bounds or integer_range(dtypes[1])
    build.step(
        "rescale",
        input=places[0],
        output=places[1],
        elements=elements,
        **{"from": _TYPES[dtypes[0]], "to": _TYPES[dtypes[1]]},
        input_zero_point=zero_points[0],
        multiplier=factor[0],
        shift=factor[1],
        below=below_way,
        negative_multiplier=below[0],
        negative_shift=below[1],
        output_zero_point=zero_points[1],
        minimum=low,
        maximum=high,
    )


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
    """A whole tensor into another; the zero points are theirs if not given."""
    if max(factor[1], (below or factor)[1]) > 30:
        raise refusal(operator, "its scales magnify values beyond int32")
    own = zero_points or (own_zero_point(operator, source), own_zero_point(operator, target))
    places = (build.read(source), build.allocate(target))
    dtypes = (source.dtype, target.dtype)
    emit_rescaling_between(build, places, source.elements, dtypes, factor, own, below, below_way, bounds)
