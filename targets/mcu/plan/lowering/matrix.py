"""BATCH_MATMUL: transposed operands are read through their strides, so nothing is moved."""

from __future__ import annotations

import numpy as np

from ..builder import Builder, FieldValue
from ..fixed_point import quantise_multiplier, reduced_multiplier
from ..model import Operator, Tensor
from .axes import broadcast_strides
from .checks import common_dtype, dimensions_fit, operand, refusal, result, symmetric, unsupported_error

_BATCH_AXES = 3


def _axes(tensor: Tensor, transposed: bool) -> tuple[tuple[int, int], tuple[int, int]]:
    """((rows, row stride), (columns, column stride)) as the product sees them."""
    rows, columns = tensor.shape[-2:]
    return ((columns, 1), (rows, columns)) if transposed else ((rows, columns), (columns, 1))


def _batch_strides(operator: Operator, tensor: Tensor, batches: tuple[int, ...]) -> list[int]:
    own = tensor.shape[:-2]
    matrix_elements = tensor.shape[-2] * tensor.shape[-1]
    strides = broadcast_strides(own, batches)
    if strides is None:
        raise refusal(operator, f"batches {list(own)} do not broadcast to {list(batches)}")
    return [0] * (_BATCH_AXES - len(strides)) + [s * matrix_elements for s in strides]


def lower_batch_matmul(operator: Operator, build: Builder) -> None:
    """Lowers BATCH_MATMUL. Batches broadcast, and a transposed operand is read through its strides. Raises
    `PlanRefused`."""
    left, right, target = operand(operator, 0), operand(operator, 1), result(operator)
    dtype = common_dtype(operator, left, right, target, others=("int16",))
    if not 2 <= len(left.shape) <= 5 or not 2 <= len(right.shape) <= 5:
        raise unsupported_error(operator, "operands that have not between 2 and 5 dimensions")
    (rows, row_stride), (depth, left_depth_stride) = _axes(left, bool(operator.integer(0)))
    (right_depth, right_depth_stride), (columns, column_stride) = _axes(right, bool(operator.integer(1)))
    if depth != right_depth:
        raise refusal(operator, f"it multiplies matrices of depths {depth} and {right_depth}")
    try:
        batches = tuple(np.broadcast_shapes(left.shape[:-2], right.shape[:-2]))
    except ValueError:
        raise refusal(operator, "the batches of its operands do not broadcast") from None
    if target.elements != int(np.prod(batches, dtype=np.int64)) * rows * columns:
        raise refusal(operator, f"its output has shape {list(target.shape)}, not {[*batches, rows, columns]}")
    dimensions_fit(operator, *batches, rows, columns, depth)
    matrix: dict[str, FieldValue] = {
        "left": build.read(left),
        "right": build.read(right),
        "output": build.allocate(target),
        "batches": [1] * (_BATCH_AXES - len(batches)) + list(batches),
        "left_batch_stride": _batch_strides(operator, left, batches),
        "right_batch_stride": _batch_strides(operator, right, batches),
        "rows": rows,
        "columns": columns,
        "depth": depth,
        "left_row_stride": row_stride,
        "left_depth_stride": left_depth_stride,
        "right_column_stride": column_stride,
        "right_depth_stride": right_depth_stride,
        "left_elements": left.elements,
        "right_elements": right.elements,
    }
    if dtype == "float32":
        build.step("matrix_float", **matrix)
        return
    # The product of the input scales is taken in float32 (GetQuantizedConvolutionMultipler).
    real = float(np.float32(left.scale * right.scale)) / float(target.scale)
    multiplier, shift = quantise_multiplier(real)
    if dtype == "int16":
        symmetric(operator, left, right, target)
        if shift > 7:
            raise refusal(operator, "its scales magnify sums beyond int32")
        build.step("matrix_int16", **matrix, multiplier=reduced_multiplier(multiplier), shift=shift)
        return
    bound = (
        depth * max(127 - left.zero_point, left.zero_point + 128) * max(127 - right.zero_point, right.zero_point + 128)
    )
    if shift > 30 or bound << max(shift, 0) >= 1 << 30:
        raise refusal(operator, f"its sums can reach {bound}, too near the end of int32")
    build.step(
        "matrix_int8",
        **matrix,
        left_offset=-left.zero_point,
        right_offset=-right.zero_point,
        multiplier=multiplier,
        shift=shift,
        output_zero_point=target.zero_point,
    )


LOWERINGS = {"BATCH_MATMUL": lower_batch_matmul}
