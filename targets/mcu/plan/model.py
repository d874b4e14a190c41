"""What the planner needs of a `.tflite` file, as checked values.

Slots are the field numbers of TensorFlow Lite's schema (tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import tflite
from numpy.typing import NDArray

from .flatbuffer import Malformed, Table
from .refusal import PlanRefused

TENSOR_TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}
_OPERATOR_NAMES = {
    code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int) and name.isupper()
}
_CUSTOM = 32
Item = TypeVar("Item")
_ELEMENTS_LIMIT = 1 << 28


@dataclass(frozen=True)
class Quantisation:
    """`real = scale * (value - zero_point)`; several scales are per channel along `dimension`."""

    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    dimension: int


@dataclass(frozen=True)
class Tensor:
    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantisation: Quantisation | None
    constant: NDArray[Any] | None
    is_variable: bool

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.elements * np.dtype(self.dtype).itemsize

    @property
    def label(self) -> str:
        return f"tensor {self.index} ('{self.name[:80]}')"

    @property
    def scale(self) -> np.float32:
        """The single scale of a per-tensor quantised tensor."""
        return self._single().scales[0]

    @property
    def zero_point(self) -> int:
        return int(self._single().zero_points[0])

    @property
    def values(self) -> NDArray[Any]:
        """Of a tensor that must be a constant."""
        if self.constant is None:
            raise PlanRefused(f"{self.label} is not a constant.")
        return self.constant

    def _single(self) -> Quantisation:
        if self.quantisation is None or len(self.quantisation.scales) != 1:
            raise PlanRefused(f"{self.label} has no single scale and zero point.")
        return self.quantisation


@dataclass(frozen=True)
class Operator:
    index: int
    name: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Table | None

    @property
    def label(self) -> str:
        return f"operator {self.index} ({self.name})"

    def integer(self, slot: int, code: str = "b", default: int = 0) -> int:
        return default if self.options is None else self.options.integer(slot, code, default)

    def real(self, slot: int, default: float) -> np.float32:
        return np.float32(default if self.options is None else self.options.scalar(slot, "f", default))


@dataclass(frozen=True)
class Model:
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read_model(data: bytes) -> Model:
    """Reads a model of one subgraph; a file that is not one is refused in a sentence."""
    try:
        return _read_model(bytes(data))
    except Malformed as error:
        raise PlanRefused(f"This is not a readable TFLite model: {error}.") from None


def operator_names(data: bytes) -> list[str]:
    """Names of the operators in order; custom ones by their own name."""
    try:
        root = Table.root(bytes(data), b"TFL3")
        names = _operator_code_names(root)
        subgraphs = root.tables(2)
        return [
            _item(names, operator.integer(0, "I"), "operator code")
            for subgraph in subgraphs
            for operator in subgraph.tables(3)
        ]
    except Malformed as error:
        raise PlanRefused(f"This is not a readable TFLite model: {error}.") from None


def _read_model(data: bytes) -> Model:
    root = Table.root(data, b"TFL3")
    if root.integer(0, "I") != 3:
        raise Malformed(f"its schema version is {root.integer(0, 'I')}, not 3")
    subgraphs = root.tables(2)
    if len(subgraphs) != 1:
        raise PlanRefused(f"The model has {len(subgraphs)} subgraphs; the planner takes models of one.")
    graph = subgraphs[0]
    buffers = root.tables(4)
    tensors = tuple(_read_tensor(i, table, buffers, data) for i, table in enumerate(graph.tables(0)))
    names = _operator_code_names(root)
    operators = tuple(_read_operator(i, table, names, tensors) for i, table in enumerate(graph.tables(3)))
    inputs = tuple(_item(tensors, i, "input tensor") for i in _indices(graph, 1))
    outputs = tuple(_item(tensors, i, "output tensor") for i in _indices(graph, 2))
    if not inputs or not outputs:
        raise PlanRefused("The model has no inputs or no outputs.")
    return Model(tensors, operators, inputs, outputs)


def _item(items: Sequence[Item], index: int, what: str) -> Item:
    if not 0 <= index < len(items):
        raise Malformed(f"there is no {what} {index}")
    return items[index]


def _indices(table: Table, slot: int) -> list[int]:
    array = table.array(slot, "int32")
    return [] if array is None else [int(i) for i in array]


def _operator_code_names(root: Table) -> list[str]:
    names = []
    for code in root.tables(1):
        # The byte field is what files before schema 3a hold; the larger of the two is the operator (schema.fbs).
        number = max(code.integer(0, "b"), code.integer(3, "i"))
        names.append(f"CUSTOM {code.text(1)[:80]}" if number == _CUSTOM else _OPERATOR_NAMES.get(number, f"#{number}"))
    return names


def _read_operator(index: int, table: Table, names: list[str], tensors: tuple[Tensor, ...]) -> Operator:
    inputs = tuple(None if i == -1 else _item(tensors, i, "tensor") for i in _indices(table, 1))
    outputs = tuple(_item(tensors, i, "tensor") for i in _indices(table, 2))
    return Operator(index, _item(names, table.integer(0, "I"), "operator code"), inputs, outputs, table.table(4))


def _read_tensor(index: int, table: Table, buffers: list[Table], data: bytes) -> Tensor:
    code = table.integer(1, "b")
    dtype = TENSOR_TYPES.get(code)
    name = table.text(3)
    label = f"tensor {index} ('{name[:80]}')"
    if dtype is None:
        raise PlanRefused(f"{label} has the element type {code}, which the planner does not know.")
    shape = tuple(_indices(table, 0))
    if any(d < 0 for d in shape) or math.prod(shape) > _ELEMENTS_LIMIT or len(shape) > 8:
        raise PlanRefused(f"{label} has the impossible shape {list(shape)[:8]}.")
    signature = table.array(7, "int32")
    if signature is not None and any(int(d) < 0 for d in signature) and index >= 0 and 0 in shape:
        raise PlanRefused(f"{label} has a dimension that is only known at run time.")
    buffer = _item(buffers, table.integer(2, "I"), "buffer")
    constant = _read_constant(buffer, data, dtype, shape, label)
    return Tensor(
        index, name, shape, dtype, _read_quantisation(table, shape, label), constant, bool(table.integer(5, "b"))
    )


def _read_constant(buffer: Table, data: bytes, dtype: str, shape: tuple[int, ...], label: str) -> NDArray[Any] | None:
    raw = buffer.array(0, "uint8")
    if raw is None or len(raw) == 0:
        # Large models keep a buffer outside the tables: an offset and a size, both from the start of the file.
        offset, size = buffer.integer(1, "Q"), buffer.integer(2, "Q")
        if offset <= 1 or size == 0:
            return None
        if offset + size > len(data):
            raise Malformed(f"the buffer of {label} reaches beyond the end of the file")
        raw = np.frombuffer(data, np.uint8, size, offset)
    item = np.dtype(dtype).itemsize
    if len(raw) != math.prod(shape) * item:
        raise PlanRefused(
            f"{label} holds {len(raw)} bytes where its shape {list(shape)} asks for {math.prod(shape) * item}."
        )
    return np.frombuffer(raw.tobytes(), np.dtype(dtype).newbyteorder("<")).reshape(shape)


def _read_quantisation(table: Table, shape: tuple[int, ...], label: str) -> Quantisation | None:
    quantisation = table.table(4)
    if quantisation is None:
        return None
    scales = quantisation.array(2, "float32")
    if scales is None or len(scales) == 0:
        return None
    zero_points = quantisation.array(3, "int64")
    if zero_points is None or len(zero_points) == 0:
        zero_points = np.zeros(len(scales), np.int64)
    if len(zero_points) == 1 and len(scales) > 1:
        zero_points = np.repeat(zero_points, len(scales))
    if len(zero_points) != len(scales):
        raise PlanRefused(f"{label} has {len(scales)} scales and {len(zero_points)} zero points.")
    if not np.all(np.isfinite(scales)) or np.any(scales <= 0):
        raise PlanRefused(f"{label} has a scale that is not a positive number.")
    if np.any(np.abs(zero_points) > 1 << 31):
        raise PlanRefused(f"{label} has a zero point outside 32 bits.")
    dimension = quantisation.integer(6, "i")
    if len(scales) > 1 and (not 0 <= dimension < len(shape) or shape[dimension] != len(scales)):
        raise PlanRefused(f"{label} has {len(scales)} scales, which do not match its shape {list(shape)}.")
    return Quantisation(scales, zero_points, dimension)
