"""Checks that lowerings make of an operator before they use it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..fixed_point import round_half_away
from ..model import Operator, Tensor
from ..refusal import OperatorUnsupported, PlanRefused

FLOAT_MAX = float(np.finfo(np.float32).max)
DIMENSION_LIMIT = 32767  # of the kernels, see firmware/geometry.h
ACTIVATIONS = {0: "NONE", 1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6", 4: "TANH", 5: "SIGN_BIT"}


def refusal(operator: Operator, what: str) -> PlanRefused:
    """The model contradicts itself or exceeds a limit."""
    return PlanRefused(f"{operator.label}: {what}.")


def unsupported_error(operator: Operator, what: str) -> OperatorUnsupported:
    """The model may be right; the kernels cannot run it."""
    return OperatorUnsupported(operator.name, f"The plan runtime does not run {operator.label}: {what}.", what)


def operand(operator: Operator, index: int, rank: int | None = None) -> Tensor:
    """A required input."""
    tensor = optional_operand(operator, index)
    if tensor is None:
        raise refusal(operator, f"input {index} is missing")
    if rank is not None and len(tensor.shape) != rank:
        raise refusal(operator, f"input {index} has {len(tensor.shape)} dimensions, not {rank}")
    if tensor.elements == 0:
        raise refusal(operator, f"input {index} is empty, with shape {list(tensor.shape)}")
    return tensor


def optional_operand(operator: Operator, index: int) -> Tensor | None:
    """The operand at that place, None where the operator leaves it out."""
    return operator.inputs[index] if index < len(operator.inputs) else None


def result(operator: Operator, shape: tuple[int, ...] | None = None) -> Tensor:
    """The single output, of `shape` if one is given."""
    if len(operator.outputs) != 1:
        raise refusal(operator, f"it has {len(operator.outputs)} outputs, not 1")
    tensor = operator.outputs[0]
    if shape is not None and tensor.shape != shape:
        raise refusal(
            operator, f"its output has shape {list(tensor.shape)} where {list(shape)} follows from its inputs"
        )
    if tensor.elements == 0:
        raise refusal(operator, "its output is empty")
    return tensor


def same_elements(operator: Operator, source: Tensor, target: Tensor) -> None:
    """Refuse an operator whose result has another number of elements than its input."""
    if source.elements != target.elements:
        raise refusal(operator, f"{source.elements} elements cannot become {target.elements}")


def common_dtype(operator: Operator, *tensors: Tensor, others: Sequence[str] = ()) -> str:
    """The one element type of all: float32, int8 or one of `others`, whose zero points are not looked at."""
    dtypes = [tensor.dtype for tensor in tensors]
    if len(set(dtypes)) != 1 or dtypes[0] not in ("float32", "int8", *others):
        raise unsupported_error(operator, f"element types {' and '.join(dict.fromkeys(dtypes))}")
    if dtypes[0] == "int8":
        for tensor in tensors:
            own_zero_point(operator, tensor)
    return dtypes[0]


def integer_range(dtype: str) -> tuple[int, int]:
    """The least and the greatest value of an integer type."""
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def own_zero_point(operator: Operator, tensor: Tensor) -> int:
    """The zero point, one of the values that the tensor's integers can have."""
    zero_point = tensor.zero_point
    low, high = integer_range(tensor.dtype)
    if not low <= zero_point <= high:
        raise refusal(operator, f"{tensor.label} has the zero point {zero_point}, outside {tensor.dtype}")
    return zero_point


def symmetric(operator: Operator, *tensors: Tensor) -> None:
    """int16 tensors have the zero point 0, where Micro demands it or leaves it out of account."""
    for tensor in tensors:
        if tensor.zero_point != 0:
            raise unsupported_error(operator, f"an {tensor.dtype} tensor with the zero point {tensor.zero_point}")


def constant_integers(operator: Operator, index: int) -> list[int]:
    """A constant int32 or int64 input as a flat list."""
    tensor = operator.inputs[index] if index < len(operator.inputs) else None
    if tensor is None or tensor.constant is None or tensor.dtype not in ("int32", "int64"):
        raise unsupported_error(operator, f"an input {index} that is not a constant integer tensor")
    return [int(v) for v in tensor.constant.ravel()]


def existing_axis(operator: Operator, axis: int, rank: int) -> int:
    """An axis that may be counted from the end, as one counted from the start."""
    if not -rank <= axis < rank:
        raise refusal(operator, f"axis {axis} does not exist in a tensor of {rank} dimensions")
    return axis % rank


def dimensions_fit(operator: Operator, *dimensions: int) -> None:
    """Refuse an operator with a dimension, stride or kernel size that is not from 1 to `DIMENSION_LIMIT`."""
    for dimension in dimensions:
        if not 1 <= dimension <= DIMENSION_LIMIT:
            raise refusal(
                operator, f"a dimension, stride or kernel size of {dimension} is outside 1 to {DIMENSION_LIMIT}"
            )


def activation_range_quantised(operator: Operator, activation: int, output: Tensor) -> tuple[int, int]:
    """Bounds of a fused activation in the output's own values (CalculateActivationRangeQuantized)."""
    low, high = integer_range(output.dtype)
    if activation not in (0, 1, 2, 3):
        raise unsupported_error(operator, f"fused activation {ACTIVATIONS.get(activation, activation)}")

    def quantised(value: float) -> int:
        return output.zero_point + round_half_away(float(np.float32(value) / output.scale))

    if activation in (1, 3):
        low = max(low, quantised(0.0))
    if activation == 2:
        low = max(low, quantised(-1.0))
    if activation == 2:
        high = min(high, quantised(1.0))
    if activation == 3:
        high = min(high, quantised(6.0))
    if low > high:
        raise refusal(operator, f"its fused activation leaves no value between {low} and {high}")
    return low, high


def activation_range_int32(operator: Operator, activation: int) -> tuple[int, int]:
    """CalculateActivationRange for int32."""
    low, high = integer_range("int32")
    ranges = {0: (low, high), 1: (0, high), 2: (-1, 1), 3: (0, 6)}
    if activation not in ranges:
        raise unsupported_error(operator, f"fused activation {ACTIVATIONS.get(activation, activation)}")
    return ranges[activation]


def activation_range_float(operator: Operator, activation: int) -> tuple[float, float]:
    """CalculateActivationRange for floats."""
    ranges = {0: (-FLOAT_MAX, FLOAT_MAX), 1: (0.0, FLOAT_MAX), 2: (-1.0, 1.0), 3: (0.0, 6.0)}
    if activation not in ranges:
        raise unsupported_error(operator, f"fused activation {ACTIVATIONS.get(activation, activation)}")
    return ranges[activation]
