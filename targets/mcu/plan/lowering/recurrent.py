"""UNIDIRECTIONAL_SEQUENCE_LSTM without peepholes, projection or layer normalisation, as Micro has it.

Every inference starts from the zero state: the runs of a job are independent of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ....tflite.recurrent_state import WHY
from ..builder import BufferPosition, Builder
from ..fixed_point import quantise_multiplier, reduced_multiplier
from ..format import GATES
from ..lookup_tables import sigmoid_table
from ..model import Operator, Tensor
from .checks import (
    dimensions_fit,
    operand,
    optional_operand,
    own_zero_point,
    refusal,
    result,
    symmetric,
    unsupported_error,
)

_INPUT_WEIGHTS = {"input": 1, "forget": 2, "cell": 3, "output": 4}
_RECURRENT_WEIGHTS = {"input": 5, "forget": 6, "cell": 7, "output": 8}
_BIASES = {"input": 12, "forget": 13, "cell": 14, "output": 15}
_HIDDEN, _CELL = 18, 19
_VARIANTS = {9: "peepholes", 16: "a projection", 20: "layer normalisation"}
_TANH, _SIGMOID = 4, 6
_GATE_SCALE, _ACTIVATED_SCALE = 2.0**-12, 2.0**-15
_ACCUMULATOR_LIMIT = 1 << 30


@dataclass(frozen=True)
class _Sizes:
    batches: int
    time_steps: int
    features: int
    units: int
    time_major: int


def _sizes(operator: Operator, source: Tensor, hidden: Tensor, target: Tensor) -> _Sizes:
    time_major = operator.integer(3)
    first, second, features = source.shape
    batches, time_steps = (second, first) if time_major else (first, second)
    units = hidden.shape[-1] if hidden.shape else 0
    if hidden.elements != batches * units or target.shape != (first, second, units):
        raise refusal(operator, f"its output has shape {list(target.shape)} for {batches} batches of {units} units")
    dimensions_fit(operator, batches, time_steps, features, units)
    return _Sizes(batches, time_steps, features, units, int(bool(time_major)))


def _weights(operator: Operator, index: int, shape: tuple[int, ...], dtype: str) -> Tensor:
    tensor = operand(operator, index)
    if tensor.constant is None or tensor.dtype != dtype:
        raise unsupported_error(operator, f"input {index} is not a constant of {dtype}")
    if tensor.shape != shape:
        raise refusal(operator, f"input {index} has shape {list(tensor.shape)}, not {list(shape)}")
    return tensor


def _rescaling(operator: Operator, real: float, largest: int) -> tuple[int, int]:
    multiplier, shift = quantise_multiplier(real)
    if shift > 30 or largest << max(shift, 0) > _ACCUMULATOR_LIMIT:
        raise refusal(operator, f"its scales can take a sum of {largest} beyond int32")
    return multiplier, shift


def _product_int8(
    operator: Operator, source: Tensor, weights: Tensor, bias: Tensor | None, build: Builder
) -> dict[str, int | BufferPosition]:
    """One matrix product to Q3.12; its bias is the folded one."""
    zero_point = own_zero_point(operator, source)
    if weights.zero_point != 0:
        raise unsupported_error(operator, "weights whose zero point is not 0")
    values = weights.values.astype(np.int64)
    offsets = np.zeros(len(values), np.int64) if bias is None else bias.values.astype(np.int64)
    bound = int((np.abs(values).sum(axis=1) * max(127 - zero_point, zero_point + 128) + np.abs(offsets)).max())
    real = float(np.float32(source.scale * weights.scale)) / _GATE_SCALE
    multiplier, shift = _rescaling(operator, real, bound)
    folded = (offsets - zero_point * values.sum(axis=1)).astype(np.int32)
    return {
        "weights": build.constant(weights.values),
        "bias": build.constant(folded),
        "multiplier": multiplier,
        "shift": shift,
    }


def _gate_fields_int8(
    operator: Operator, source: Tensor, hidden: Tensor, sizes: _Sizes, build: Builder
) -> dict[str, int | BufferPosition]:
    fields: dict[str, int | BufferPosition] = {}
    for gate in GATES:
        weights = _weights(operator, _INPUT_WEIGHTS[gate], (sizes.units, sizes.features), "int8")
        recurrent = _weights(operator, _RECURRENT_WEIGHTS[gate], (sizes.units, sizes.units), "int8")
        bias = _weights(operator, _BIASES[gate], (sizes.units,), "int32")
        products = {
            "input": _product_int8(operator, source, weights, bias, build),
            "recurrent": _product_int8(operator, hidden, recurrent, None, build),
        }
        for side, product in products.items():
            fields.update({f"{gate}_gate_{side}_{name}": value for name, value in product.items()})
    return fields


def _wide_factor(operator: Operator, source: Tensor, weights: Tensor) -> tuple[int, int]:
    """Multiplier and shift from a product's 64-bit sum to Q3.12."""
    if weights.zero_point != 0:
        raise unsupported_error(operator, "weights whose zero point is not 0")
    multiplier, shift = quantise_multiplier(float(np.float32(source.scale * weights.scale)) / _GATE_SCALE)
    if shift > 7:
        raise refusal(operator, "its scales magnify sums beyond int32")
    return reduced_multiplier(multiplier), shift


def _gate_fields_int16(
    operator: Operator, source: Tensor, hidden: Tensor, sizes: _Sizes, build: Builder
) -> dict[str, int | BufferPosition]:
    fields: dict[str, int | BufferPosition] = {}
    for gate in GATES:
        weights = _weights(operator, _INPUT_WEIGHTS[gate], (sizes.units, sizes.features), "int8")
        recurrent = _weights(operator, _RECURRENT_WEIGHTS[gate], (sizes.units, sizes.units), "int8")
        bias = _weights(operator, _BIASES[gate], (sizes.units,), "int64")
        multiplier, shift = _wide_factor(operator, source, weights)
        recurrent_multiplier, recurrent_shift = _wide_factor(operator, hidden, recurrent)
        fields.update(
            {
                f"{gate}_gate_input_weights": build.constant(weights.values),
                f"{gate}_gate_input_bias": build.constant(bias.values),
                f"{gate}_gate_recurrent_weights": build.constant(recurrent.values),
                f"{gate}_gate_input_multiplier": multiplier,
                f"{gate}_gate_input_shift": shift,
                f"{gate}_gate_recurrent_multiplier": recurrent_multiplier,
                f"{gate}_gate_recurrent_shift": recurrent_shift,
            }
        )
    return fields


def _tanh_scaling(operator: Operator, cell: Tensor) -> tuple[int, int]:
    """(multiplier, right shift) that bring the cell state to the table's input; its scale is a power of two."""
    fraction, exponent = math.frexp(float(cell.scale))
    if fraction != 0.5:
        raise unsupported_error(operator, "a cell state whose scale is not a power of two")
    left = 15 + (exponent - 1) - 3
    if not -15 <= left <= 8:
        raise unsupported_error(operator, f"a cell state scale of {float(cell.scale):.3g}")
    return (3 << left, 0) if left >= 0 else (3, -left)


def _lower_integers(operator: Operator, source: Tensor, target: Tensor, sizes: _Sizes, build: Builder) -> None:
    hidden, cell = operand(operator, _HIDDEN), operand(operator, _CELL)
    if hidden.dtype != source.dtype or cell.dtype != "int16":
        raise unsupported_error(operator, f"states of {hidden.dtype} and {cell.dtype}")
    if (hidden.scale, hidden.zero_point) != (target.scale, target.zero_point):
        raise unsupported_error(operator, WHY)
    if source.dtype == "int16":
        symmetric(operator, source, hidden, target)
    tanh_multiplier, tanh_shift = _tanh_scaling(operator, cell)
    cell_scale = float(cell.scale)
    squared = _ACTIVATED_SCALE * _ACTIVATED_SCALE
    largest = 1 << 30
    forget = _rescaling(operator, _ACTIVATED_SCALE * cell_scale / cell_scale, largest)
    entered = _rescaling(operator, squared / cell_scale, largest)
    leaving = _rescaling(operator, squared / float(hidden.scale), largest)
    clip = float(operator.real(1, 0.0))
    gate_fields = _gate_fields_int8 if source.dtype == "int8" else _gate_fields_int16
    build.step(
        f"lstm_{source.dtype}",
        input=build.read(source),
        hidden=build.state(hidden, own_zero_point(operator, hidden) & 0xFF),
        cell=build.state(cell, 0),
        scratch=build.scratch(8 * sizes.units),
        sigmoid_table=build.constant(sigmoid_table()),
        output=build.allocate(target),
        **vars(sizes),
        **gate_fields(operator, source, hidden, sizes, build),
        cell_activation=int(operator.integer(0) == _TANH),
        cell_clip=int(min(clip / cell_scale, 32767.0)) if clip > 0 else 0,
        tanh_multiplier=tanh_multiplier,
        tanh_shift=tanh_shift,
        forget_multiplier=forget[0],
        forget_shift=forget[1],
        input_multiplier=entered[0],
        input_shift=entered[1],
        output_multiplier=leaving[0],
        output_shift=leaving[1],
        output_zero_point=hidden.zero_point,
    )


def _lower_float(operator: Operator, source: Tensor, target: Tensor, sizes: _Sizes, build: Builder) -> None:
    hidden, cell = operand(operator, _HIDDEN), operand(operator, _CELL)
    if hidden.dtype != "float32" or cell.dtype != "float32":
        raise unsupported_error(operator, f"states of {hidden.dtype} and {cell.dtype}")
    gates: dict[str, BufferPosition] = {}
    for gate in GATES:
        gates[f"{gate}_gate_input_weights"] = build.constant(
            _weights(operator, _INPUT_WEIGHTS[gate], (sizes.units, sizes.features), "float32").values
        )
        gates[f"{gate}_gate_input_bias"] = build.constant(
            _weights(operator, _BIASES[gate], (sizes.units,), "float32").values
        )
        gates[f"{gate}_gate_recurrent_weights"] = build.constant(
            _weights(operator, _RECURRENT_WEIGHTS[gate], (sizes.units, sizes.units), "float32").values
        )
    build.step(
        "lstm_float",
        input=build.read(source),
        hidden=build.state(hidden, 0),
        cell=build.state(cell, 0),
        scratch=build.scratch(16 * sizes.units),
        output=build.allocate(target),
        **vars(sizes),
        **gates,
        cell_activation=int(operator.integer(0) == _TANH),
        cell_clip=max(0.0, float(operator.real(1, 0.0))),
    )


def lower_lstm(operator: Operator, build: Builder) -> None:
    """Lowers UNIDIRECTIONAL_SEQUENCE_LSTM, whose hidden and cell states are variable tensors. Raises `PlanRefused`."""
    source, hidden, target = operand(operator, 0, 3), operand(operator, _HIDDEN), result(operator)
    for index, variant in _VARIANTS.items():
        if optional_operand(operator, index) is not None:
            raise unsupported_error(operator, variant)
    cell = operand(operator, _CELL)
    if not hidden.is_variable or not cell.is_variable or cell.elements != hidden.elements:
        raise refusal(operator, "its states are not variable tensors of one size")
    if operator.integer(0) not in (_TANH, _SIGMOID):
        raise unsupported_error(operator, f"activation {operator.integer(0)} of the cell gate")
    sizes = _sizes(operator, source, hidden, target)
    if source.dtype == target.dtype and source.dtype in ("int8", "int16"):
        _lower_integers(operator, source, target, sizes, build)
    elif source.dtype == target.dtype == "float32":
        _lower_float(operator, source, target, sizes, build)
    else:
        raise unsupported_error(operator, f"input of {source.dtype} and output of {target.dtype}")


LOWERINGS = {"UNIDIRECTIONAL_SEQUENCE_LSTM": lower_lstm}
