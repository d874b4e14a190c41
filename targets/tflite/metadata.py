"""TFLite metadata (`TFLITE_METADATA`, identifier M001): written into a model and read back. Needs flatbuffers only.

The tables are those of TFLite's metadata schema; slots are numbered in the order of its fields.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flatbuffers
from flatbuffers import number_types as kinds
from flatbuffers.table import Table

NAME = "TFLITE_METADATA"
IDENTIFIER = b"M001"
PARSER_VERSION = "1.5.0"
NORMALISATION = 1
AXIS_LABELS = 2
LARGEST_FILE = 16 * 1024 * 1024

# Slot numbers: ModelMetadata, SubGraphMetadata, TensorMetadata, AssociatedFile.
MODEL = {"name": 0, "description": 1, "version": 2, "subgraphs": 3, "author": 4, "license": 5, "parser": 7}
SUBGRAPH = {"inputs": 2, "outputs": 3}
TENSOR = {"name": 0, "process_units": 4, "files": 6}
FILE = {"name": 0, "type": 2}
TEXTS = ("name", "description", "version", "author", "license")


def build(metadata: Mapping[str, Any], inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """The metadata flatbuffer. `metadata`: the texts, `mean` and `std`, `labels_file`; names of inputs and outputs in
    the order of the model."""
    builder = flatbuffers.Builder(1024)
    normalised = bool(metadata.get("mean"))
    labelled = metadata.get("labels_file") or ""

    def tensor(name: str, normalise: bool, labels: str) -> int:
        fields: dict[int, int] = {TENSOR["name"]: builder.CreateString(name)}
        if normalise:
            fields[TENSOR["process_units"]] = vector(builder, [process_unit(builder, metadata)])
        if labels:
            file_name = builder.CreateString(labels)
            builder.StartObject(5)
            builder.PrependUOffsetTRelativeSlot(FILE["name"], file_name, 0)
            builder.PrependInt8Slot(FILE["type"], AXIS_LABELS, 0)
            fields[TENSOR["files"]] = vector(builder, [builder.EndObject()])
        return table(builder, 7, fields)

    ins = vector(builder, [tensor(name, normalised and i == 0, "") for i, name in enumerate(inputs)])
    outs = vector(builder, [tensor(name, False, labelled if i == 0 else "") for i, name in enumerate(outputs)])
    subgraphs = vector(builder, [table(builder, 9, {SUBGRAPH["inputs"]: ins, SUBGRAPH["outputs"]: outs})])
    fields = {MODEL[key]: builder.CreateString(metadata[key]) for key in TEXTS if metadata.get(key)}
    fields |= {MODEL["subgraphs"]: subgraphs, MODEL["parser"]: builder.CreateString(PARSER_VERSION)}
    builder.Finish(table(builder, 8, fields), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def process_unit(builder: Any, metadata: Mapping[str, Any]) -> int:
    """The normalisation of the input."""
    values = []
    for key in ("mean", "std"):
        builder.StartVector(4, len(metadata[key]), 4)
        for number in reversed(metadata[key]):
            builder.PrependFloat32(number)
        values.append(builder.EndVector())
    options = table(builder, 2, dict(enumerate(values)))
    builder.StartObject(2)
    builder.PrependUint8Slot(0, NORMALISATION, 0)
    builder.PrependUOffsetTRelativeSlot(1, options, 0)
    return int(builder.EndObject())


def table(builder: Any, slots: int, fields: Mapping[int, int]) -> int:
    """A table of offsets."""
    builder.StartObject(slots)
    for slot, offset in fields.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    return int(builder.EndObject())


def vector(builder: Any, offsets: Sequence[int]) -> int:
    """A vector of tables."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def embed(content: bytes, metadata: Mapping[str, Any], schema: Any) -> bytes:
    """A model with metadata in it and its labels file behind it. `schema`: the generated module of TFLite's schema."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    names = [[decoded(graph.tensors[index].name) for index in side] for side in (graph.inputs, graph.outputs)]
    buffer = schema.BufferT()
    buffer.data = list(build(metadata, *names))
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = NAME, len(model.buffers) - 1
    kept = [known for known in model.metadata or [] if decoded(known.name) != NAME]
    model.metadata = [*kept, entry]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    written = bytes(builder.Output())
    if not metadata.get("labels_file"):
        return written
    stream = io.BytesIO(written)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        entry_info = zipfile.ZipInfo(metadata["labels_file"])  # a fixed date: the same bytes at every conversion
        archive.writestr(entry_info, metadata["labels_text"])
    return stream.getvalue()


def decoded(value: Any) -> str:
    """Bytes as text; what is no UTF-8 in them becomes a replacement character."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def read(content: bytes, buffer: bytes) -> dict[str, Any]:
    """What a metadata buffer says; empty where it is none. `content` is the whole file, for the labels behind it."""
    if buffer[4:8] != IDENTIFIER:
        return {}
    try:
        root = Table(buffer, int.from_bytes(buffer[:4], "little"))
        found: dict[str, Any] = {key: text(root, MODEL[key]) for key in TEXTS}
        for graph in tables(root, MODEL["subgraphs"])[:1]:
            for tensor in tables(graph, SUBGRAPH["inputs"])[:1]:
                found |= normalisation(tensor)
            files = [file for tensor in tables(graph, SUBGRAPH["outputs"]) for file in tables(tensor, TENSOR["files"])]
            names = [text(file, FILE["name"]) for file in files]
            found |= {"labels_file": names[0], "labels": labels(content, names[0])} if names else {}
    except Exception:  # written by others, damaged or not: it is only described
        return {"problem": "the metadata cannot be read"}
    return {key: value for key, value in found.items() if value}


def normalisation(tensor: Table) -> dict[str, Any]:
    """`mean` and `std` of a tensor's normalisation, if it has one."""
    for unit in tables(tensor, TENSOR["process_units"]):
        place = unit.Offset(4)
        if place and unit.Get(kinds.Uint8Flags, place + unit.Pos) == NORMALISATION and unit.Offset(6):
            options = Table(unit.Bytes, unit.Indirect(unit.Pos + unit.Offset(6)))
            return {"mean": floats(options, 0), "std": floats(options, 1)}
    return {}


def at(table: Table, slot: int, read_it: Callable[[int], Any], default: Any) -> Any:
    """A field of a table by its slot."""
    place = int(table.Offset(4 + 2 * slot))
    return read_it(place) if place else default


def text(table: Table, slot: int) -> str:
    """The string in a table's slot; empty where there is none."""
    return decoded(at(table, slot, lambda place: table.String(place + table.Pos), ""))


def tables(table: Table, slot: int) -> list[Table]:
    """The tables of the vector in a table's slot; empty where there is none."""

    def read_all(index: int) -> list[Table]:
        start = table.Vector(index)
        return [Table(table.Bytes, table.Indirect(start + 4 * i)) for i in range(table.VectorLen(index))]

    result: list[Table] = at(table, slot, read_all, [])
    return result


def floats(table: Table, slot: int) -> list[float]:
    """The float32 values of the vector in a table's slot; empty where there is none."""

    def read_all(index: int) -> list[float]:
        start = table.Vector(index)
        return [float(table.Get(kinds.Float32Flags, start + 4 * i)) for i in range(table.VectorLen(index))]

    result: list[float] = at(table, slot, read_all, [])
    return result


def labels(content: bytes, name: str) -> list[str]:
    """The lines of a labels file behind a model; empty where it is not there."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo(name).file_size > LARGEST_FILE:
                return []
            return archive.read(name).decode(errors="replace").splitlines()
    except (zipfile.BadZipFile, KeyError):
        return []
