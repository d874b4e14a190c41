"""Operators' outputs of a `.tflite`: lists its operators, and makes a copy of the file that gives their results."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tflite

from harness.artifact import Artifact, FileHash, Quantisation, TensorInfo
from harness.errors import Unsupported
from harness.operator_outputs import OperatorNode, OperatorOutputs, result_name, with_outputs

from .examine import is_constant, operator_name, sizes, type_name

_SHOWN = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool")
_FLOAT_WIDTHS = {"float16": 2, "float32": 4, "float64": 8}
_OUTPUTS_FIELD = 8
"""Field of `outputs` in a subgraph's virtual table: the third (schema.fbs)."""
_SIGNATURES_FIELD = 18
"""Field of `signature_defs` in the model's virtual table: the eighth."""


def operations(artifact: Artifact) -> tuple[OperatorNode, ...]:
    """The operators of the main graph. What branches and loops do inside is theirs: their results are seen as one.

    What is made of constants alone (float16 weights made float32, say) is a constant: runtimes compute it when they
    load, or inside what reads it, and leave its place in memory as it was.
    """
    if artifact.subgraph != 0:
        raise Unsupported(
            f"The signature '{artifact.signature}' is not the first subgraph of {artifact.entry}, the only one whose"
            " operators can be shown; convert it to a file of its own."
        )
    content = artifact.path.read_bytes()
    model, graph = tflite.Model.GetRootAsModel(content, 0), _main_graph(content)
    constants = {index for index in range(graph.TensorsLength()) if is_constant(model, graph.Tensors(index))}
    outputs = {graph.Outputs(place): info for place, info in enumerate(artifact.outputs)}
    made: dict[int, TensorInfo] = {}
    found = []
    for index, (name, reads, writes) in enumerate(_operators(content)):
        if reads and constants.issuperset(reads):
            constants.update(tensor for tensor in writes if tensor >= 0)
            continue
        results = {
            tensor: outputs.get(tensor) or _tensor_info(graph.Tensors(tensor), result_name(index, position))
            for position, tensor in enumerate(writes)
            if tensor >= 0 and _can_be_shown(graph.Tensors(tensor))
        }
        known = dict.fromkeys(made[tensor].name for tensor in reads if tensor in made)
        weights = sum(_float_bytes(graph.Tensors(tensor)) for tensor in reads if tensor in constants)
        found.append(OperatorNode(index, name, tuple(results.values()), tuple(known), weights))
        made.update(results)
    return tuple(found)


def expose(artifact: Artifact, results: Sequence[TensorInfo], folder: Path) -> Artifact:
    """A copy of the file whose main graph has `results` behind its outputs. A signature that was not chosen by name has
    fewer outputs, for which LiteRT.js refuses the file: there is none in the copy. Nothing else of it is touched.

    A FlatBuffer's vectors may lie anywhere behind what points to them: the longer list of outputs goes to the end.
    """
    given = artifact.path.read_bytes()
    graph = _main_graph(given)
    places = _places(given)
    outputs = [graph.Outputs(index) for index in range(graph.OutputsLength())]
    outputs += [places[info.name] for info in results]
    content = bytearray(given) + bytes(-len(given) % 4)
    field = graph._tab.Pos + graph._tab.Offset(_OUTPUTS_FIELD)
    content[field : field + 4] = np.uint32(len(content) - field).tobytes()
    content += np.uint32(len(outputs)).tobytes() + np.array(outputs, "<i4").tobytes()
    model = tflite.Model.GetRootAsModel(given, 0)
    if not artifact.signature and model.SignatureDefsLength():
        field = model._tab.Pos + model._tab.Offset(_SIGNATURES_FIELD)
        content[field : field + 4] = np.uint32(len(content) - field).tobytes()
        content += np.uint32(0).tobytes()
    path = folder / artifact.entry
    path.write_bytes(content)
    files = tuple(
        FileHash(path=file.path, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        if file.path == artifact.entry
        else file
        for file in artifact.files
    )
    return with_outputs(artifact, results).model_copy(update={"files": files, "directory": folder})


def tensor_places(artifact: Artifact) -> dict[str, int]:
    """The tensor that each result is, by the names that `operations` gives; of the artifact's outputs, too."""
    content = artifact.path.read_bytes()
    graph = _main_graph(content)
    return _places(content) | {info.name: graph.Outputs(index) for index, info in enumerate(artifact.outputs)}


def graph_name(artifact: Artifact) -> str:
    """What Model Explorer calls the main graph: its name, else the key of its signature, else `main` (as seen with
    ai-edge-model-explorer-adapter 0.2.1)."""
    model = tflite.Model.GetRootAsModel(artifact.path.read_bytes(), 0)
    signatures = (model.SignatureDefs(index) for index in range(model.SignatureDefsLength()))
    names = [model.Subgraphs(0).Name(), *(one.SignatureKey() for one in signatures if one.SubgraphIndex() == 0)]
    return next((name.decode(errors="replace") for name in names if name), "main")


OPERATOR_OUTPUTS = OperatorOutputs(operations, expose, graph_name)


def _places(content: bytes) -> dict[str, int]:
    return {
        result_name(index, position): tensor
        for index, (_, _, writes) in enumerate(_operators(content))
        for position, tensor in enumerate(writes)
    }


def _main_graph(content: bytes) -> Any:
    return tflite.Model.GetRootAsModel(content, 0).Subgraphs(0)


def _operators(content: bytes) -> Iterator[tuple[str, list[int], list[int]]]:
    """Name, tensors read and tensors written of each operator. Absent inputs are left out, absent outputs below 0."""
    model = tflite.Model.GetRootAsModel(content, 0)
    graph = model.Subgraphs(0)
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        reads = [operator.Inputs(place) for place in range(operator.InputsLength())]
        writes = [operator.Outputs(place) for place in range(operator.OutputsLength())]
        name = operator_name(model.OperatorCodes(operator.OpcodeIndex()))
        yield name, [tensor for tensor in reads if tensor >= 0], writes


def _float_bytes(tensor: Any) -> int:
    """What its values take; 0 where they are no floats."""
    width = _FLOAT_WIDTHS.get(type_name(tensor), 0)
    return math.prod(sizes(tensor)) * width


def _can_be_shown(tensor: Any) -> bool:
    return type_name(tensor) in _SHOWN and not tensor.IsVariable() and all(size > 0 for size in sizes(tensor))


def _tensor_info(tensor: Any, name: str) -> TensorInfo:
    parameters, quantisation = tensor.Quantization(), None
    if type_name(tensor) in ("int8", "uint8", "int16") and parameters is not None and parameters.ScaleLength() == 1:
        zero_point = parameters.ZeroPoint(0) if parameters.ZeroPointLength() else 0
        quantisation = Quantisation(scale=float(parameters.Scale(0)), zero_point=int(zero_point))
    return TensorInfo(
        name=name,
        tensor=(tensor.Name() or b"").decode(errors="replace"),
        index=0,
        shape=tuple(sizes(tensor)),
        dtype=type_name(tensor),
        quantisation=quantisation,
    )
