"""EQUAL and its like, LOGICAL_AND, LOGICAL_OR, LOGICAL_NOT, REDUCE_ALL and SELECT_V2: truth values, a byte each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..builder import BufferPosition, Builder
from ..fixed_point import quantise_multiplier, requantise
from ..lookup_tables import INT8_VALUES, by_bits
from ..model import Operator, Tensor
from .activation import emit_table
from .axes import broadcast_strides, row_major
from .checks import common_dtype, operand, refusal, result, same_elements, unsupported_error
from .elementwise import broadcast_fields
from .movement import emit_copy
from .reduction import emit_extreme

_COMPARISONS = {"EQUAL": 0, "NOT_EQUAL": 1, "GREATER": 2, "GREATER_EQUAL": 3, "LESS": 4, "LESS_EQUAL": 5}
_LEFT_SHIFT = 8


def _scaled(operator: Operator, tensor: Tensor) -> list[int]:
    """What ComparisonWithScaling makes of each of the 256 values."""
    multiplier, shift = quantise_multiplier(float(tensor.scale))
    if shift > 0:
        raise unsupported_error(operator, f"a scale of {float(tensor.scale):.3g}, where Micro takes those below 1")
    return [requantise((value - tensor.zero_point) << _LEFT_SHIFT, multiplier, shift) for value in INT8_VALUES]


def _order_tables(operator: Operator, first: Tensor, second: Tensor) -> list[NDArray[np.int16]]:
    """The place of each value in the order of all values, for each input."""
    scaled = _scaled(operator, first), _scaled(operator, second)
    places = {value: index for index, value in enumerate(sorted({*scaled[0], *scaled[1]}))}
    return [by_bits([places[value] for value in values], np.int16) for values in scaled]


def _truth(operator: Operator, tensor: Tensor) -> Tensor:
    if tensor.dtype != "bool":
        raise unsupported_error(operator, f"truth values in {tensor.dtype}")
    return tensor


def lower_comparison(operator: Operator, build: Builder) -> None:
    """Lowers comparisons of two tensors, with broadcasting. int8 values are compared by the ranks in two tables. Raises
    `PlanRefused`."""
    first, second, target = operand(operator, 0), operand(operator, 1), _truth(operator, result(operator))
    of_truth = ("bool",) if operator.name in ("EQUAL", "NOT_EQUAL") else ()
    dtype = common_dtype(operator, first, second, others=("int32", *of_truth))
    comparison = _COMPARISONS[operator.name]
    fields = broadcast_fields(operator, first, second, target)
    reading = {"input1": build.read(first), "input2": build.read(second)}
    if dtype in ("float32", "int32"):
        kernel = "compare_float" if dtype == "float32" else "compare_int32"
        build.step(kernel, **reading, output=build.allocate(target), **fields, comparison=comparison)
        return
    tables = [np.arange(256, dtype=np.int16)] * 2 if dtype == "bool" else _order_tables(operator, first, second)
    table1, table2 = (build.constant(table) for table in tables)
    build.step(
        "compare_int8",
        **reading,
        output=build.allocate(target),
        table1=table1,
        table2=table2,
        **fields,
        comparison=comparison,
    )


def lower_both_or_either(operator: Operator, build: Builder) -> None:
    """Lowers LOGICAL_AND and LOGICAL_OR. For bytes that are 0 or 1, "and" is the smaller and "or" the larger."""
    first, second, target = (
        _truth(operator, tensor) for tensor in (operand(operator, 0), operand(operator, 1), result(operator))
    )
    build.step(
        "extreme_int8",
        input1=build.read(first),
        input2=build.read(second),
        output=build.allocate(target),
        **broadcast_fields(operator, first, second, target),
        maximum=int(operator.name == "LOGICAL_OR"),
    )


def lower_not(operator: Operator, build: Builder) -> None:
    """Lowers LOGICAL_NOT to a table. Raises `PlanRefused`."""
    source, target = _truth(operator, operand(operator, 0)), _truth(operator, result(operator))
    same_elements(operator, source, target)
    emit_table(source, target, np.array([1] + [0] * 255, np.int8), build)


def lower_all(operator: Operator, build: Builder) -> None:
    """Lowers REDUCE_ALL to the smallest value along the axes. Raises `PlanRefused`."""
    source, target = _truth(operator, operand(operator, 0)), _truth(operator, result(operator))
    emit_extreme(operator, build, source, target, "reduce_extreme_int8", maximum=False)


def _in_shape(operator: Operator, build: Builder, source: Tensor, shape: tuple[int, ...]) -> BufferPosition:
    """The tensor itself, or a copy repeated to `shape`."""
    if source.shape == shape:
        return build.read(source)
    strides = broadcast_strides(source.shape, shape)
    if strides is None:
        raise refusal(operator, f"shape {list(source.shape)} cannot be repeated to {list(shape)}")
    item = np.dtype(source.dtype).itemsize
    place = build.scratch(item * int(np.prod(shape)))
    emit_copy(operator, build, build.read(source), strides, place, row_major(shape), shape, item)
    return place


def lower_select(operator: Operator, build: Builder) -> None:
    """Lowers SELECT_V2. Operands of another shape are first copied to the output's shape. Raises `PlanRefused`."""
    condition, target = _truth(operator, operand(operator, 0)), result(operator)
    first, second = operand(operator, 1), operand(operator, 2)
    if not first.dtype == second.dtype == target.dtype or target.dtype not in ("float32", "int8", "int16"):
        raise unsupported_error(operator, f"{first.dtype} or {second.dtype} as {target.dtype}")
    places = [_in_shape(operator, build, tensor, target.shape) for tensor in (condition, first, second)]
    build.step(
        "select",
        condition=places[0],
        input1=places[1],
        input2=places[2],
        output=build.allocate(target),
        elements=target.elements,
        element_bytes=np.dtype(target.dtype).itemsize,
    )


LOWERINGS = {
    **dict.fromkeys(_COMPARISONS, lower_comparison),
    "LOGICAL_AND": lower_both_or_either,
    "LOGICAL_OR": lower_both_or_either,
    "LOGICAL_NOT": lower_not,
    "REDUCE_ALL": lower_all,
    "SELECT_V2": lower_select,
}
