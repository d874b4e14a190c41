"""Writes other `.tflite` files from one: an operator of it alone, all of it bare, or with other weights.

Runs in the environment of LiteRT, whose package has the schema with its objects, under `harness/process/serve.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SEED = 0
FLOAT_TYPES = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}
INTEGER_TYPES = {
    schema.TensorType.INT8: np.int8,
    schema.TensorType.UINT8: np.uint8,
    schema.TensorType.INT16: np.int16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}
IDENTIFIER = b"TFL3"


class Refused(Exception):
    """The operation cannot be done with this file."""

    harness_kind = "unsupported"


def opened(path: str) -> Any:
    """The file as objects."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(Path(path).read_bytes(), 0))


def written(model: Any, path: str) -> None:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    Path(path).write_bytes(bytes(builder.Output()))


def bare(model: Any) -> Any:
    """The model without description, metadata and signatures: an interpreter takes inputs and outputs by their
    order."""
    model.description = model.metadata = model.metadataBuffer = model.signatureDefs = None
    return model


def has_value(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def listed(indexes: Any) -> list[int]:
    return [] if indexes is None else [int(index) for index in indexes]


def alone(model: Any, index: int, inputs: list[int], shapes: list[list[int]], outputs: list[int]) -> Any:
    """The operator of that index in a model of its own, with its constants and the operators that make constants of
    constants for it. `inputs` and `outputs` are tensors; `shapes` those of the inputs. Raises `Refused`."""
    graph = model.subgraphs[0]
    maker = {tensor: place for place, one in enumerate(graph.operators) for tensor in listed(one.outputs)}
    kept: list[int] = []

    def keep(place: int) -> None:
        if place in kept:
            return
        for tensor in listed(graph.operators[place].inputs):
            if tensor < 0 or tensor in inputs or has_value(model, graph.tensors[tensor]):
                continue
            if tensor not in maker:
                raise Refused("it reads a variable, or a value that is not there")
            keep(maker[tensor])
        kept.append(place)

    keep(index)
    operators = [graph.operators[place] for place in kept]
    needed = [*inputs, *(tensor for one in operators for tensor in (*listed(one.inputs), *listed(one.outputs)))]
    needed += [tensor for one in operators for tensor in listed(one.intermediates)]
    order = {tensor: place for place, tensor in enumerate(dict.fromkeys(tensor for tensor in needed if tensor >= 0))}
    codes = list(dict.fromkeys(one.opcodeIndex for one in operators))
    for one in operators:
        for field in ("inputs", "outputs", "intermediates"):
            if getattr(one, field) is not None:
                setattr(one, field, [order.get(tensor, -1) for tensor in listed(getattr(one, field))])
        one.opcodeIndex = codes.index(one.opcodeIndex)
    tensors = [graph.tensors[tensor] for tensor in order]
    if any(tensor.isVariable for tensor in tensors):
        raise Refused("it keeps state in a variable")
    for tensor, shape in zip(inputs, shapes, strict=True):
        graph.tensors[tensor].shape, graph.tensors[tensor].shapeSignature = shape, None
    buffers = [schema.BufferT()]
    for tensor in tensors:
        data = model.buffers[tensor.buffer]
        tensor.buffer = 0 if data.data is None or not len(data.data) else len(buffers)
        if tensor.buffer:
            buffers.append(data)
    graph.tensors, graph.operators = tensors, operators
    graph.inputs, graph.outputs = [order[tensor] for tensor in inputs], [order[tensor] for tensor in outputs]
    model.subgraphs, model.buffers = [graph], buffers
    model.operatorCodes = [model.operatorCodes[code] for code in codes]
    return bare(model)


def without_weights(model: Any) -> Any:
    """Random numbers in place of what arithmetic uses: floats as large as they were, integers with a scale over all of
    their range (a bias of 32 bits as large as it was). Sizes, axes and tables of the file's own stay."""
    generator = np.random.default_rng(SEED)
    done: set[int] = set()
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.buffer in done or not has_value(model, tensor):
                continue
            done.add(tensor.buffer)
            has_scale = tensor.quantization is not None and tensor.quantization.scale is not None
            data = np.asarray(model.buffers[tensor.buffer].data, np.uint8).tobytes()
            other = random_values(data, tensor.type, has_scale and len(tensor.quantization.scale) > 0, generator)
            if other is not None:
                model.buffers[tensor.buffer].data = np.frombuffer(other, np.uint8)
    return bare(model)


def random_values(data: bytes, kind: int, has_scale: bool, generator: np.random.Generator) -> bytes | None:
    """Random numbers in as many bytes as `data` has. None if the numbers are no weights."""
    if kind in FLOAT_TYPES:
        values = np.frombuffer(data, FLOAT_TYPES[kind])
        size = float(np.std(values[np.isfinite(values)].astype(np.float64))) if values.size > 1 else 0.0
        return generator.normal(0.0, size or 1.0, values.size).astype(values.dtype).tobytes()
    if not has_scale:
        return None
    if kind not in INTEGER_TYPES:  # four bits, packed
        return generator.integers(0, 256, len(data), dtype=np.uint8).tobytes()
    values = np.frombuffer(data, INTEGER_TYPES[kind])
    limits = np.iinfo(values.dtype)
    low, high = limits.min, limits.max
    if values.dtype.itemsize > 2:
        high = max(1, int(np.abs(values.astype(np.float64)).max()))
        low = -high
    elif limits.min < 0:
        low = -high  # weights are symmetric (LiteRT's specification of 8-bit quantisation)
    return generator.integers(low, high, values.size, dtype=values.dtype, endpoint=True).tobytes()


def handlers() -> dict[str, Any]:
    """The operations that the engine may ask for, by name."""

    def answer(model: Any, header: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        written(model, header["output"])
        return {}, {}

    def cut(header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        model = opened(header["path"])
        return answer(alone(model, *(header[key] for key in ("index", "inputs", "shapes", "outputs"))), header)

    def stripped(header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return answer(bare(opened(header["path"])), header)

    def randomised(header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return answer(without_weights(opened(header["path"])), header)

    return {"alone": cut, "bare": stripped, "without_weights": randomised}
