"""AVERAGE_POOL_2D, MAX_POOL_2D and L2_POOL_2D."""

from __future__ import annotations

import numpy as np

from ..builder import Builder
from ..model import Operator, Tensor
from .checks import (
    activation_range_float,
    activation_range_quantised,
    common_dtype,
    operand,
    refusal,
    result,
    unsupported_error,
)
from .window import Window, convolution_window

_LARGEST_INT16_WINDOW = 1 << 15


def _pool_window(operator: Operator, source: Tensor, target: Tensor) -> Window:
    return convolution_window(
        operator,
        source,
        target,
        (operator.integer(4, "i"), operator.integer(3, "i")),
        source.shape[3],
        padding=operator.integer(0),
        strides=(operator.integer(2, "i"), operator.integer(1, "i")),
    )


def _lower(operator: Operator, build: Builder, maximum_pool: bool) -> None:
    source, target = operand(operator, 0, 4), result(operator)
    dtype = common_dtype(operator, source, target, others=("int16",))
    window = _pool_window(operator, source, target)
    activation = operator.integer(5)
    if dtype == "float32":
        low, high = activation_range_float(operator, activation)
        build.step(
            "pool_float",
            input=build.read(source),
            output=build.allocate(target),
            **window.fields(),
            maximum_pool=int(maximum_pool),
            minimum=low,
            maximum=high,
        )
        return
    if np.abs(source.scale - target.scale) > 1.0e-6 or source.zero_point != target.zero_point:
        raise unsupported_error(operator, "an input and an output of different scales")
    low, high = activation_range_quantised(operator, activation, target)
    if dtype == "int16" and window.kernel_height * window.kernel_width > _LARGEST_INT16_WINDOW:
        raise refusal(operator, f"a window of {window.kernel_height} x {window.kernel_width} overflows int32")
    build.step(
        f"{'max' if maximum_pool else 'average'}_pool_{dtype}",
        input=build.read(source),
        output=build.allocate(target),
        **window.fields(),
        minimum=low,
        maximum=high,
    )


def lower_average_pool(operator: Operator, build: Builder) -> None:
    """Lowers AVERAGE_POOL_2D. Raises `PlanRefused`."""
    _lower(operator, build, maximum_pool=False)


def lower_max_pool(operator: Operator, build: Builder) -> None:
    """Lowers MAX_POOL_2D. Raises `PlanRefused`."""
    _lower(operator, build, maximum_pool=True)


def lower_l2_pool(operator: Operator, build: Builder) -> None:
    """Lowers L2_POOL_2D, in float32 only. Raises `PlanRefused`."""
    source, target = operand(operator, 0, 4), result(operator)
    if common_dtype(operator, source, target) != "float32":
        raise unsupported_error(operator, "TensorFlow Lite Micro has it in float32 alone")
    low, high = activation_range_float(operator, operator.integer(5))
    build.step(
        "l2_pool_float",
        input=build.read(source),
        output=build.allocate(target),
        **_pool_window(operator, source, target).fields(),
        minimum=low,
        maximum=high,
    )


LOWERINGS = {"L2_POOL_2D": lower_l2_pool, "AVERAGE_POOL_2D": lower_average_pool, "MAX_POOL_2D": lower_max_pool}
