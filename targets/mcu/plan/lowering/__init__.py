"""From operators to steps: one module a family, gathered here by operator name."""

from __future__ import annotations

from collections.abc import Callable

from ..builder import Builder
from ..model import Operator
from . import activation, convolution, elementwise, matrix, movement, pooling, recurrent, reduction

Lowering = Callable[[Operator, Builder], None]

LOWERINGS: dict[str, Lowering] = {
    **activation.LOWERINGS,
    **convolution.LOWERINGS,
    **elementwise.LOWERINGS,
    **matrix.LOWERINGS,
    **movement.LOWERINGS,
    **pooling.LOWERINGS,
    **recurrent.LOWERINGS,
    **reduction.LOWERINGS,
}
