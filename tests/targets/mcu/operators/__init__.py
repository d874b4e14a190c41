"""Parameters of random models, one module a family as in `targets/mcu/plan/lowering`, gathered by operator name."""

from __future__ import annotations

from . import activation, convolution, elementwise, matrix, movement, partition, pooling, recurrent, reduction
from .draws import Maker

MAKERS: dict[str, Maker] = {
    **activation.MAKERS,
    **convolution.MAKERS,
    **elementwise.MAKERS,
    **matrix.MAKERS,
    **movement.MAKERS,
    **partition.MAKERS,
    **pooling.MAKERS,
    **recurrent.MAKERS,
    **reduction.MAKERS,
}
