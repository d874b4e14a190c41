"""SHAPE, BROADCAST_ARGS, FILL and ZEROS_LIKE: results that are known before the model runs, or nearly so."""

from __future__ import annotations

import numpy as np

from ..builder import Builder
from ..model import Operator, Tensor
from .checks import operand, optional_operand, refusal, result, unsupported_error


def _emit_fill(build: Builder, target: Tensor, value: bytes) -> None:
    """`value` is one element, of four bytes at most."""
    pattern = int.from_bytes((value * 4)[:4], "little")
    build.step("fill", output=build.allocate(target), bytes=target.nbytes, pattern=pattern)


def lower_shape(operator: Operator, build: Builder) -> None:
    """Lowers SHAPE to a constant: shapes are fixed. Raises `PlanRefused`."""
    source, target = optional_operand(operator, 0), result(operator)
    if source is None or target.elements != len(source.shape):
        raise refusal(operator, f"its output has {target.elements} elements")
    if target.dtype != "int32":
        raise unsupported_error(operator, f"a shape in {target.dtype}")
    build.set_constant(target, np.array(source.shape, np.int32))


def lower_fill(operator: Operator, build: Builder) -> None:
    """Lowers FILL with one constant value. Raises `PlanRefused`."""
    value, target = operand(operator, 1), result(operator)
    if value.dtype != target.dtype or value.dtype not in ("float32", "int32", "int8"):
        raise unsupported_error(operator, f"{value.dtype} to {target.dtype}")
    if value.constant is None or value.elements != 1:
        raise unsupported_error(operator, "a value that is not one constant")
    _emit_fill(build, target, value.constant.tobytes())


def lower_zeros_like(operator: Operator, build: Builder) -> None:
    """Zero as it is stored, whatever the zero point, as Micro has it."""
    target = result(operator)
    if target.dtype not in ("float32", "int32", "int8"):
        raise unsupported_error(operator, f"{target.dtype} tensors")
    _emit_fill(build, target, bytes(np.dtype(target.dtype).itemsize))


def lower_broadcast_args(operator: Operator, build: Builder) -> None:
    """The shape that two shapes give, both of which the planner knows."""
    shapes = [build.values(operand(operator, index)) for index in (0, 1)]
    target = result(operator)
    if shapes[0] is None or shapes[1] is None or target.dtype not in ("int32", "int64"):
        raise unsupported_error(operator, "shapes that are known only when the model runs")
    try:
        joined = np.broadcast_shapes(
            *(tuple(int(size) for size in shape.ravel()) for shape in shapes if shape is not None)
        )
    except ValueError:
        raise refusal(operator, "its shapes cannot be repeated to one") from None
    if target.elements != len(joined):
        raise refusal(operator, f"its output has {target.elements} elements, not {len(joined)}")
    build.set_constant(target, np.array(joined, np.dtype(target.dtype)))


LOWERINGS = {
    "BROADCAST_ARGS": lower_broadcast_args,
    "SHAPE": lower_shape,
    "FILL": lower_fill,
    "ZEROS_LIKE": lower_zeros_like,
}
