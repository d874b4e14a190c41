"""L2_NORMALIZATION."""

from __future__ import annotations

from ..builder import Builder
from ..model import Operator
from .checks import common_dtype, dimensions_fit, operand, refusal, result, same_elements, unsupported_error


def lower_l2_normalisation(operator: Operator, build: Builder) -> None:
    """Lowers L2_NORMALIZATION over the last axis, in float32 and int8 (output scale 1/128, zero point 0). Raises
    `PlanRefused`."""
    source, target = operand(operator, 0), result(operator)
    same_elements(operator, source, target)
    dtype = common_dtype(operator, source, target)
    if operator.integer(0) != 0:
        raise unsupported_error(operator, "a fused activation")
    if not source.shape:
        raise refusal(operator, "its input is a scalar")
    depth = source.shape[-1]
    dimensions_fit(operator, depth)
    if dtype == "int8" and (float(target.scale) != 1 / 128 or target.zero_point != 0):
        raise unsupported_error(operator, "an output whose scale is not 1/128 with zero point 0")
    build.step(
        "l2_normalize_int8" if dtype == "int8" else "l2_normalize_float",
        input=build.read(source),
        output=build.allocate(target),
        rows=source.elements // depth,
        depth=depth,
        zero_point=source.zero_point if dtype == "int8" else 0,
    )


LOWERINGS = {"L2_NORMALIZATION": lower_l2_normalisation}
