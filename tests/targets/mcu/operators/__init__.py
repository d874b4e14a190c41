"""Parameters of random models, one module a family as in `targets/mcu/plan/lowering`, gathered by operator name."""

from __future__ import annotations

from . import (
    activation,
    blocks,
    constants,
    convolution,
    elementwise,
    gather,
    matrix,
    movement,
    partition,
    pooling,
    recurrent,
    reduction,
    resize,
)
from .draws import Maker

MAKERS: dict[str, Maker] = {
    **activation.MAKERS,
    **blocks.MAKERS,
    **constants.MAKERS,
    **convolution.MAKERS,
    **elementwise.MAKERS,
    **gather.MAKERS,
    **matrix.MAKERS,
    **movement.MAKERS,
    **partition.MAKERS,
    **pooling.MAKERS,
    **recurrent.MAKERS,
    **reduction.MAKERS,
    **resize.MAKERS,
}
