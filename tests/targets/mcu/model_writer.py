"""Writes small `.tflite` files, operator by operator, for tests.

Slot numbers are those of TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import flatbuffers
import numpy as np
import tflite

TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9, "resource": 13, "int4": 17}
_PREPEND = {"b": "Int8", "B": "Uint8", "i": "Int32", "I": "Uint32", "f": "Float32", "?": "Bool"}


@dataclass
class Table:
    """Fields by slot: (kind, value), a kind being a scalar's code or `table`, `tables`, `text`, `vector`."""

    fields: dict[int, tuple[str, object]]


def _write(builder: flatbuffers.Builder, table: Table) -> int:
    offsets = {}
    for slot, (kind, value) in table.fields.items():
        if kind == "table":
            offsets[slot] = _write(builder, value)
        elif kind == "tables":
            written = [_write(builder, item) for item in value]
            builder.StartVector(4, len(written), 4)
            for offset in reversed(written):
                builder.PrependUOffsetTRelative(offset)
            offsets[slot] = builder.EndVector()
        elif kind == "text":
            offsets[slot] = builder.CreateString(value)
        elif kind == "vector":
            offsets[slot] = _write_vector(builder, value)
    builder.StartObject(max(table.fields, default=-1) + 1)
    for slot, (kind, value) in table.fields.items():
        if slot in offsets:
            builder.PrependUOffsetTRelativeSlot(slot, offsets[slot], 0)
        else:
            getattr(builder, f"Prepend{_PREPEND[kind]}Slot")(slot, value, None)
    return builder.EndObject()


def _write_vector(builder: flatbuffers.Builder, array: np.ndarray) -> int:
    raw = np.ascontiguousarray(array)
    builder.StartVector(raw.dtype.itemsize, raw.size, 16)
    builder.head -= raw.nbytes
    builder.Bytes[builder.head : builder.head + raw.nbytes] = raw.tobytes()
    return builder.EndVector()


@dataclass
class TensorSpec:
    shape: tuple[int, ...]
    dtype: str = "int8"
    scales: list[float] = field(default_factory=list)
    zero_points: list[int] = field(default_factory=list)
    axis: int = 0
    constant: np.ndarray | None = None
    is_variable: bool = False


@dataclass
class ModelWriter:
    """Collects tensors and operators; `write` gives the file's bytes."""

    tensors: list[TensorSpec] = field(default_factory=list)
    operators: list[tuple[str, list[int], list[int], int, dict[int, tuple[str, object]]]] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    subgraphs: list[ModelWriter] = field(default_factory=list)
    """Of the file, after the first."""

    def subgraph(self) -> tuple[int, ModelWriter]:
        """A new one, and the number by which operators call it."""
        self.subgraphs.append(ModelWriter())
        return len(self.subgraphs), self.subgraphs[-1]

    def tensor(self, shape, dtype="int8", scale=None, zero_point=0, **more) -> int:
        scales = [] if scale is None else list(np.atleast_1d(scale))
        zero_points = [zero_point] * len(scales)
        self.tensors.append(TensorSpec(tuple(shape), dtype, scales, zero_points, **more))
        return len(self.tensors) - 1

    def input(self, *arguments, **more) -> int:
        self.inputs.append(self.tensor(*arguments, **more))
        return self.inputs[-1]

    def output(self, *arguments, **more) -> int:
        self.outputs.append(self.tensor(*arguments, **more))
        return self.outputs[-1]

    def constant(self, values: np.ndarray, scale=None, zero_point=0, axis=0, dtype=None) -> int:
        """`dtype` is that of the values, unless they are int8 that stands for int4."""
        values = np.asarray(values)
        return self.tensor(values.shape, dtype or values.dtype.name, scale, zero_point, constant=values, axis=axis)

    def operator(self, name, inputs, outputs, options_type=None, options=None) -> None:
        kind = getattr(tflite.BuiltinOptions, options_type) if options_type else 0
        self.operators.append((name, list(inputs), list(outputs), kind, options or {}))

    def write(self) -> bytes:
        graphs = [self, *self.subgraphs]
        names = list(dict.fromkeys(operator[0] for graph in graphs for operator in graph.operators))
        buffers = [Table({})]
        model = Table(
            {
                0: ("I", 3),
                1: ("tables", [_operator_code(name) for name in names]),
                2: ("tables", [graph.table(names, buffers) for graph in graphs]),
                3: ("text", "test"),
                4: ("tables", buffers),
            }
        )
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(_write(builder, model), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def table(self, names: list[str], buffers: list[Table]) -> Table:
        """One subgraph; its constants are added to `buffers`."""
        tensors = []
        for index, spec in enumerate(self.tensors):
            buffer = 0
            if spec.constant is not None:
                buffers.append(Table({0: ("vector", _constant_bytes(spec))}))
                buffer = len(buffers) - 1
            tensors.append(_tensor_table(spec, buffer, f"tensor_{index}"))
        operators = [
            Table(
                {
                    0: ("I", names.index(name)),
                    1: ("vector", np.array(inputs, np.int32)),
                    2: ("vector", np.array(outputs, np.int32)),
                    **({3: ("B", kind), 4: ("table", Table(options))} if kind else {}),
                }
            )
            for name, inputs, outputs, kind, options in self.operators
        ]
        return Table(
            {
                0: ("tables", tensors),
                1: ("vector", np.array(self.inputs, np.int32)),
                2: ("vector", np.array(self.outputs, np.int32)),
                3: ("tables", operators),
            }
        )


def _constant_bytes(spec: TensorSpec) -> np.ndarray:
    """As the file has them: int4, which is given as int8, two values a byte."""
    if spec.dtype != "int4":
        return np.frombuffer(spec.constant.tobytes(), np.uint8)
    halves = np.append(spec.constant.ravel(), np.zeros(spec.constant.size % 2, np.int8)).astype(np.uint8) & 15
    return (halves[0::2] | halves[1::2] << 4).astype(np.uint8)


def _operator_code(name: str) -> Table:
    """The builtin of that name, else a custom operator that is called so."""
    code = getattr(tflite.BuiltinOperator, name, None)
    if code is None:
        custom = tflite.BuiltinOperator.CUSTOM
        return Table({0: ("b", custom), 1: ("text", name), 2: ("i", 1), 3: ("i", custom)})
    return Table({0: ("b", min(code, 127)), 2: ("i", 1), 3: ("i", code)})


def _tensor_table(spec: TensorSpec, buffer: int, name: str) -> Table:
    fields: dict[int, tuple[str, object]] = {
        0: ("vector", np.array(spec.shape, np.int32)),
        1: ("b", TYPES[spec.dtype]),
        2: ("I", buffer),
        3: ("text", name),
    }
    if spec.scales:
        fields[4] = (
            "table",
            Table(
                {
                    2: ("vector", np.array(spec.scales, np.float32)),
                    3: ("vector", np.array(spec.zero_points, np.int64)),
                    6: ("i", spec.axis),
                }
            ),
        )
    if spec.is_variable:
        fields[5] = ("?", True)
    return Table(fields)
