"""From operators to steps: one module a family, gathered here by operator name."""

from __future__ import annotations

from collections.abc import Callable

from ..builder import Builder
from ..model import Operator
from . import (
    activation,
    arithmetic,
    convolution,
    elementwise,
    matrix,
    movement,
    partition,
    pooling,
    recurrent,
    reduction,
)

Lowering = Callable[[Operator, Builder], None]

LOWERINGS: dict[str, Lowering] = {
    **activation.LOWERINGS,
    **arithmetic.LOWERINGS,
    **convolution.LOWERINGS,
    **elementwise.LOWERINGS,
    **matrix.LOWERINGS,
    **movement.LOWERINGS,
    **partition.LOWERINGS,
    **pooling.LOWERINGS,
    **recurrent.LOWERINGS,
    **reduction.LOWERINGS,
}
