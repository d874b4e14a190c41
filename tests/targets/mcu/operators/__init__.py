"""Parameters of random models, one module a family as in `targets/mcu/plan/lowering`, gathered by operator name."""

from __future__ import annotations

from . import (
    activation,
    blocks,
    comparison,
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
    **comparison.MAKERS,
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
# Whatever type is asked for, these make models of float32.
FLOAT_ALONE = {*activation.FLOAT_ALONE, *elementwise.FLOAT_ALONE}
