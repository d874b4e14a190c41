"""Lowers operators to steps of the plan: one module for each family, gathered here by operator name."""

from __future__ import annotations

from collections.abc import Callable

from ..builder import Builder
from ..model import Operator
from . import (
    accumulation,
    activation,
    arithmetic,
    blocks,
    comparison,
    constants,
    control,
    conversion,
    convolution,
    elementwise,
    gather,
    joining,
    matrix,
    memory,
    movement,
    normalisation,
    padding,
    partition,
    pooling,
    recurrent,
    reduction,
    resize,
    slicing,
    transposed_convolution,
    variables,
)

Lowering = Callable[[Operator, Builder], None]

LOWERINGS: dict[str, Lowering] = {
    **accumulation.LOWERINGS,
    **activation.LOWERINGS,
    **arithmetic.LOWERINGS,
    **blocks.LOWERINGS,
    **comparison.LOWERINGS,
    **constants.LOWERINGS,
    **control.LOWERINGS,
    **conversion.LOWERINGS,
    **convolution.LOWERINGS,
    **elementwise.LOWERINGS,
    **gather.LOWERINGS,
    **joining.LOWERINGS,
    **matrix.LOWERINGS,
    **memory.LOWERINGS,
    **movement.LOWERINGS,
    **normalisation.LOWERINGS,
    **padding.LOWERINGS,
    **partition.LOWERINGS,
    **pooling.LOWERINGS,
    **recurrent.LOWERINGS,
    **reduction.LOWERINGS,
    **resize.LOWERINGS,
    **slicing.LOWERINGS,
    **transposed_convolution.LOWERINGS,
    **variables.LOWERINGS,
}
