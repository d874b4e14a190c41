"""One node of a TensorFlow.js graph model in a model of its own: which values it reads, and what is cut out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact, TensorInfo
from harness.errors import Unsupported
from harness.isolation import Isolation, derive_artifact, renumbered
from harness.operator_outputs import INNER_PREFIX, OperatorNode

from .model_json import ENTRY, is_layers, read_model, stored_bytes
from .operator_outputs import result_dtype

SHARD = "weights.bin"
SEED = 0
_PASSED_ON = ("Identity", "StopGradient")
_TYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32", "bool": "DT_BOOL"}
_OTHER_RESULTS = {
    ("TopKV2", "1"): "int32",
    ("Unique", "1"): "int32",
    ("UniqueV2", "1"): "int32",
    ("NonMaxSuppressionV4", "1"): "int32",
    ("NonMaxSuppressionV5", "2"): "int32",
}
"""Results beside a node's first that are of another type than its attributes say (TensorFlow's own definitions)."""
_WIDE = ("DT_INT64", "DT_HALF", "DT_DOUBLE", "DT_INT8", "DT_UINT8")
"""Types of a graph that a page holds in another one, and TensorFlow does not."""


def reads(artifact: Artifact, operation: OperatorNode) -> tuple[TensorInfo, ...]:
    """The values that a node takes and that no constant is, each once, in its order. Raises `Unsupported` for a layer,
    and for a node that calls functions or has no one type."""
    nodes = _nodes(artifact)
    own = {info.tensor.split(":")[0]: info for info in artifact.inputs}
    found = []
    for reference in _computed(nodes, _node_of(nodes, operation)):
        name, _, place = reference.partition(":")
        tensor = f"{name}:{place or 0}"
        found.append(
            own.get(name)
            or TensorInfo(
                name=f"{INNER_PREFIX}{tensor}", tensor=tensor, index=0, shape=(), dtype=_dtype(nodes[name], place)
            )
        )
    return tuple(found)


def alone(artifact: Artifact, operation: OperatorNode, inputs: Sequence[TensorInfo], folder: Path) -> Artifact:
    """The node, its constants with their weights, and a placeholder for each input."""
    model = read_model(artifact.path)
    nodes = _nodes(artifact)
    node = _node_of(nodes, operation)
    computed = _computed(nodes, node)
    names = {reference: f"input_{index}" for index, reference in enumerate(computed)}
    kept: dict[str, Any] = {}
    sources = []
    for reference in _sources(node):
        reached = _behind(nodes, reference)
        sources.append(names.get(reached, reached))
        if reached not in names:
            kept[reached] = {**nodes[reached], "input": []}  # an order after another node is no value
    placeholders = [
        _placeholder(names[reference], info, nodes[reference.split(":")[0]])
        for reference, info in zip(computed, inputs, strict=True)
    ]
    weights = _weights(model, artifact.directory)
    chosen = {name: weights[name] for name in kept}
    outputs = renumbered(operation.results, "output")
    topology = {
        "versions": model["modelTopology"].get("versions", {"producer": 0}),
        "node": [*placeholders, *kept.values(), {**node, "input": sources}],
    }
    _write(folder, topology, chosen)
    given = [info.model_copy(update={"tensor": f"input_{index}:0"}) for index, info in enumerate(inputs)]
    return derive_artifact(
        artifact,
        folder,
        entry=ENTRY,
        inputs=renumbered(given, "input"),
        outputs=outputs,
        operators={operation.operator: 1},
        notes=(),
    )


def bare(artifact: Artifact, folder: Path) -> Artifact:
    """The whole model without what other programs wrote beside it."""
    model = read_model(artifact.path)
    for name in [name for group in model["weightsManifest"] for name in group["paths"]]:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((artifact.directory / name).read_bytes())
    kept = {
        key: value for key, value in model.items() if key in ("format", "modelTopology", "weightsManifest", "signature")
    }
    (folder / ENTRY).write_text(json.dumps(kept), encoding="utf-8")
    return derive_artifact(artifact, folder, entry=ENTRY)


def without_weights(artifact: Artifact, folder: Path) -> Artifact:
    """The operator with random numbers in place of floating-point weights, as large as they were, and of those that are
    stored as integers with a scale. What is an integer to the graph (an axis, a shape) stays."""
    model = read_model(artifact.path)
    generator = np.random.default_rng(SEED)
    for group in model["weightsManifest"]:
        content = b"".join((artifact.directory / name).read_bytes() for name in group["paths"])
        parts, offset = [], 0
        for weight in group["weights"]:
            size = stored_bytes(weight)
            parts.append(_random_bytes_like(weight, content[offset : offset + size], generator))
            offset += size
        place = folder / group["paths"][0]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"".join(parts))
        group["paths"] = group["paths"][:1]
    (folder / ENTRY).write_text(json.dumps(model), encoding="utf-8")
    return derive_artifact(artifact, folder, entry=ENTRY)


ISOLATION = Isolation(reads, alone, bare, without_weights)


def _nodes(artifact: Artifact) -> dict[str, Any]:
    model = read_model(artifact.path)
    if is_layers(model):
        raise Unsupported("a layer is not cut out of its model")
    return {node["name"]: node for node in model["modelTopology"]["node"]}


def _node_of(nodes: Mapping[str, Any], operation: OperatorNode) -> dict[str, Any]:
    """The node that computes an operation's result."""
    found: dict[str, Any] = nodes[operation.results[0].tensor.split(":")[0]]
    if any("func" in value for value in found.get("attr", {}).values()):
        raise Unsupported(f"{found['op']} calls functions of the model")
    return found


def _sources(node: Mapping[str, Any]) -> list[str]:
    """What a node takes values from: `name` or `name:1`; `^name` is an order, not a value."""
    return [name.removesuffix(":0") for name in node.get("input", ()) if not name.startswith("^")]


def _behind(nodes: Mapping[str, Any], reference: str) -> str:
    """The value that a reference stands for, past nodes that pass it on."""
    while reference in nodes and nodes[reference]["op"] in _PASSED_ON:
        reference = _sources(nodes[reference])[0]
    return reference


def _computed(nodes: Mapping[str, Any], node: Mapping[str, Any]) -> list[str]:
    """What a node reads that is no constant, each once."""
    reached = dict.fromkeys(_behind(nodes, source) for source in _sources(node))
    return [reference for reference in reached if nodes[reference.split(":")[0]]["op"] != "Const"]


def _dtype(node: Mapping[str, Any], place: str) -> str:
    """What a page holds a node's result in. Raises `Unsupported` where the node does not say."""
    found = _OTHER_RESULTS.get((node["op"], place)) or result_dtype(node)
    if found is None:
        raise Unsupported(f"nothing says of which type the result of {node['op']} is")
    return found


def _placeholder(name: str, info: TensorInfo, source: Mapping[str, Any]) -> dict[str, Any]:
    """The node of an input, of the type that the graph has there."""
    stated = [value.get("type") for value in source.get("attr", {}).values()]
    dtype = next((kind for kind in stated if kind in _WIDE and info.dtype == "int32"), _TYPES[info.dtype])
    shape = {"dim": [{"size": str(size)} for size in info.shape]}
    return {"name": name, "op": "Placeholder", "attr": {"dtype": {"type": dtype}, "shape": {"shape": shape}}}


def _weights(model: Mapping[str, Any], folder: Path) -> dict[str, tuple[dict[str, Any], bytes]]:
    """Name → entry of the manifest and the bytes as they are stored."""
    found = {}
    for group in model["weightsManifest"]:
        content, offset = b"".join((folder / name).read_bytes() for name in group["paths"]), 0
        for weight in group["weights"]:
            size = stored_bytes(weight)
            found[weight["name"]] = (weight, content[offset : offset + size])
            offset += size
    return found


def _write(folder: Path, topology: Mapping[str, Any], weights: Mapping[str, tuple[dict[str, Any], bytes]]) -> None:
    """A `model.json` and its one shard."""
    manifest = [{"paths": [SHARD], "weights": [entry for entry, _ in weights.values()]}] if weights else []
    if weights:
        (folder / SHARD).write_bytes(b"".join(content for _, content in weights.values()))
    model = {"format": "graph-model", "modelTopology": topology, "weightsManifest": manifest}
    (folder / ENTRY).write_text(json.dumps(model, indent=1), encoding="utf-8")


def _random_bytes_like(weight: Mapping[str, Any], content: bytes, generator: np.random.Generator) -> bytes:
    """Random bytes, as many as `content` has. A weight that is not floating-point keeps its own bytes."""
    if weight["dtype"] != "float32":
        return content
    stored = np.dtype(weight.get("quantization", weight)["dtype"]).newbyteorder("<")
    values: NDArray[Any] = np.frombuffer(content, stored)
    if stored.kind == "u":
        limit = np.iinfo(stored).max
        return generator.integers(0, limit, values.size, dtype=stored.newbyteorder("="), endpoint=True).tobytes()
    size = float(np.std(values.astype(np.float64))) if values.size > 1 else 0.0
    return generator.normal(0.0, size or 1.0, values.size).astype(stored).tobytes()
