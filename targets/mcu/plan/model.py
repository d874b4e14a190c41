"""What the planner needs of a `.tflite` file, as checked values.

Slots are the field numbers of TensorFlow Lite's schema (tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import tflite
from numpy.typing import NDArray

from .flatbuffer import Malformed, Table
from .refusal import PlanRefused

TENSOR_TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}
_INT4 = 17  # of weights alone, which are unpacked to int8 where they are read
# Named in refusals; of these the planner knows the handles of variables (`resource`), which no step reads.
_OTHER_TYPES = {
    5: "string",
    8: "complex64",
    10: "float64",
    11: "complex128",
    12: "uint64",
    13: "resource",
    14: "variant",
    15: "uint32",
    16: "uint16",
    17: "int4",
    18: "bfloat16",
}
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
    """`graph` is the index of its subgraph; `fault` says why it cannot be used, which matters to what uses it alone."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantisation: Quantisation | None
    constant: NDArray[Any] | None
    is_variable: bool
    graph: int = 0
    fault: str = ""

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        if self.dtype not in TENSOR_TYPES.values():
            raise PlanRefused(f"{self.label} is of the element type {self.dtype}, which the planner cannot place.")
        return self.elements * np.dtype(self.dtype).itemsize

    @property
    def label(self) -> str:
        return f"tensor {self.index}{_of_graph(self.graph)} ('{self.name[:80]}')"

    @property
    def scale(self) -> np.float32:
        """The single scale of a per-tensor quantised tensor."""
        return self._single().scales[0]

    @property
    def zero_point(self) -> int:
        return int(self._single().zero_points[0])

    @property
    def values(self) -> NDArray[Any]:
        """Values of a tensor that must be a constant. Raises `PlanRefused` if it is not."""
        if self.constant is None:
            raise PlanRefused(f"{self.label} is not a constant.")
        return self.constant

    def _single(self) -> Quantisation:
        if self.quantisation is None or len(self.quantisation.scales) != 1:
            raise PlanRefused(f"{self.label} has no single scale and zero point.")
        return self.quantisation


def _of_graph(index: int) -> str:
    return f" of subgraph {index}" if index else ""


@dataclass(frozen=True)
class Operator:
    """`graph` is the index of its subgraph."""

    index: int
    name: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Table | None
    graph: int = 0

    @property
    def place(self) -> str:
        """The operator's number, and its subgraph where that is not the first."""
        return f"{self.index}{_of_graph(self.graph)}"

    @property
    def label(self) -> str:
        return f"operator {self.place} ({self.name})"

    def integer(self, slot: int, code: str = "b", default: int = 0) -> int:
        return default if self.options is None else self.options.integer(slot, code, default)

    def real(self, slot: int, default: float) -> np.float32:
        return np.float32(default if self.options is None else self.options.scalar(slot, "f", default))


@dataclass(frozen=True)
class Graph:
    """One subgraph of a file."""

    index: int
    operators: tuple[Operator, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def with_constants(self, values: Mapping[int, NDArray[Any]]) -> Graph:
        """Where the tensors of these indices, inputs of the subgraph, are constants."""

        def known(tensor: Tensor) -> Tensor:
            if tensor.index not in values:
                return tensor
            return replace(tensor, constant=values[tensor.index].reshape(tensor.shape))

        operators = tuple(
            replace(operator, inputs=tuple(None if tensor is None else known(tensor) for tensor in operator.inputs))
            for operator in self.operators
        )
        return replace(self, operators=operators, outputs=tuple(map(known, self.outputs)))


class Model:
    """A file. Its subgraphs are read when they are asked for: a fault in one that is never reached does no harm."""

    def __init__(self, data: bytes) -> None:
        """Raises `Malformed`."""
        root = Table.root(data, b"TFL3")
        if root.integer(0, "I") != 3:
            raise Malformed(f"its schema version is {root.integer(0, 'I')}, not 3")
        self._data = data
        self._tables = root.tables(2)
        self._buffers = root.tables(4)
        self._names = _operator_code_names(root)
        self._graphs: dict[int, Graph] = {}

    @property
    def main(self) -> Graph:
        """The first subgraph."""
        return self.graph(0)

    @property
    def graph_count(self) -> int:
        return len(self._tables)

    def graph(self, index: int) -> Graph:
        """Raises `Malformed` and `PlanRefused`."""
        if index not in self._graphs:
            self._graphs[index] = self._read_graph(index, _item(self._tables, index, "subgraph"))
        return self._graphs[index]

    def _read_graph(self, index: int, table: Table) -> Graph:
        tensors = tuple(_read_tensor(i, index, one, self._buffers, self._data) for i, one in enumerate(table.tables(0)))
        operators = tuple(_read_operator(i, index, one, self._names, tensors) for i, one in enumerate(table.tables(3)))
        inputs = tuple(_item(tensors, i, "input tensor") for i in _indices(table, 1))
        outputs = tuple(_item(tensors, i, "output tensor") for i in _indices(table, 2))
        return Graph(index, operators, inputs, outputs)


def read_model(data: bytes) -> Model:
    """Reads a file and its first subgraph; one that is no model is refused in a sentence."""
    try:
        model = Model(bytes(data))
        if not model.main.inputs or not model.main.outputs:
            raise PlanRefused("The model has no inputs or no outputs.")
    except Malformed as error:
        raise PlanRefused(f"This is not a readable TFLite model: {error}.") from None
    return model


def graph_count(data: bytes) -> int:
    """How many subgraphs a file has. Raises `PlanRefused`."""
    try:
        return Model(bytes(data)).graph_count
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


def _read_operator(index: int, graph: int, table: Table, names: list[str], tensors: tuple[Tensor, ...]) -> Operator:
    inputs = tuple(None if i == -1 else _item(tensors, i, "tensor") for i in _indices(table, 1))
    outputs = tuple(_item(tensors, i, "tensor") for i in _indices(table, 2))
    return Operator(index, _item(names, table.integer(0, "I"), "operator code"), inputs, outputs, table.table(4), graph)


def _read_tensor(index: int, graph: int, table: Table, buffers: list[Table], data: bytes) -> Tensor:
    """A tensor; what makes it unusable is said in its `fault`."""
    code = table.integer(1, "b")
    dtype = TENSOR_TYPES.get(code)
    name = table.text(3)
    shape = tuple(_indices(table, 0))
    variable = bool(table.integer(5, "b"))
    buffer = _item(buffers, table.integer(2, "I"), "buffer")
    try:
        if any(d < 0 for d in shape) or math.prod(shape) > _ELEMENTS_LIMIT or len(shape) > 8:
            raise _Fault(f"the impossible shape {list(shape)[:8]}")
        if code == _INT4:
            values = _read_int4(buffer, data, shape)
            return Tensor(index, name, shape, "int4", _read_quantisation(table), values, variable, graph)
        if dtype is None:
            return Tensor(index, name, shape, _OTHER_TYPES.get(code, f"#{code}"), None, None, variable, graph)
        signature = table.array(7, "int32")
        if signature is not None and any(int(d) < 0 for d in signature) and 0 in shape:
            raise _Fault("a dimension that is only known at run time")
        quantisation = _read_quantisation(table)
        constant = _read_constant(buffer, data, dtype, shape)
    except _Fault as fault:
        return Tensor(index, name, (), dtype or f"#{code}", None, None, variable, graph, str(fault))
    return Tensor(index, name, shape, dtype, quantisation, constant, variable, graph)


class _Fault(ValueError):
    """What a tensor has, as a phrase."""


def _constant_bytes(buffer: Table, data: bytes) -> NDArray[Any] | None:
    raw = buffer.array(0, "uint8")
    if raw is None or len(raw) == 0:
        # Large models keep a buffer outside the tables: an offset and a size, both from the start of the file.
        offset, size = buffer.integer(1, "Q"), buffer.integer(2, "Q")
        if offset <= 1 or size == 0:
            return None
        if offset + size > len(data):
            raise Malformed("a buffer reaches beyond the end of the file")
        raw = np.frombuffer(data, np.uint8, size, offset)
    return raw


def _read_int4(buffer: Table, data: bytes, shape: tuple[int, ...]) -> NDArray[np.int8] | None:
    """Two values a byte, the first in its lower half, as int8."""
    raw, elements = _constant_bytes(buffer, data), math.prod(shape)
    if raw is None:
        return None
    if len(raw) != (elements + 1) // 2:
        raise _Fault(f"{len(raw)} bytes where its shape {list(shape)} of int4 asks for {(elements + 1) // 2}")
    halves = np.stack([raw & 15, raw >> 4], axis=1).ravel()[:elements].astype(np.int8)
    return np.where(halves > 7, halves - 16, halves).astype(np.int8).reshape(shape)


def _read_constant(buffer: Table, data: bytes, dtype: str, shape: tuple[int, ...]) -> NDArray[Any] | None:
    raw = _constant_bytes(buffer, data)
    if raw is None:
        return None
    item = np.dtype(dtype).itemsize
    if len(raw) != math.prod(shape) * item:
        raise _Fault(f"{len(raw)} bytes where its shape {list(shape)} asks for {math.prod(shape) * item}")
    return np.frombuffer(raw.tobytes(), np.dtype(dtype).newbyteorder("<")).reshape(shape)


def _read_quantisation(table: Table) -> Quantisation | None:
    """The quantisation as the file has it. The operator that uses several scales checks their dimension: Micro looks
    only at their number, and some files name another dimension, or one that a bias does not have."""
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
        raise _Fault(f"{len(scales)} scales and {len(zero_points)} zero points")
    if not np.all(np.isfinite(scales)) or np.any(scales <= 0):
        raise _Fault("a scale that is not a positive number")
    if np.any(np.abs(zero_points) > 1 << 31):
        raise _Fault("a zero point outside 32 bits")
    return Quantisation(scales, zero_points, quantisation.integer(6, "i"))
