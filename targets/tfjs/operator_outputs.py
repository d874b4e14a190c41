"""Operators' outputs of a graph model: TensorFlow.js gives the result of any node by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.artifact import Artifact, TensorInfo
from harness.errors import Unsupported
from harness.operator_outputs import Operation, OperatorOutputs, result_name, with_outputs

from .graph import PAGE_TYPES
from .model_json import is_layers, read_model

_NO_RESULT = ("Const", "Placeholder", "NoOp", "Identity", "IdentityN")
_TYPE_ATTRIBUTES = ("T", "dtype", "DstT", "output_type", "out_type", "Tparams")
_BOOLEAN = ("Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr",
            "LogicalNot", "IsNan", "IsInf", "IsFinite", "All", "Any")  # fmt: skip


def operations(artifact: Artifact) -> tuple[Operation, ...]:
    """The nodes of the graph that compute something, in an order in which they can be run; of each its first result.

    Raises `Unsupported` for a layers model, which gives its layers' results to nobody.
    """
    model = read_model(artifact.path)
    if is_layers(model):
        raise Unsupported(f"{artifact.model} {artifact.variant} is a layers model, which shows its outputs alone.")
    nodes = _in_order(model["modelTopology"]["node"])
    outputs = _behind_identities(artifact.outputs, {node["name"]: node for node in nodes})
    through: dict[str, tuple[str, ...]] = {}
    found: list[Operation] = []
    for node in nodes:
        reads = dict.fromkeys(name for source in _sources(node) for name in through.get(source, ()))
        dtype = _dtype(node)
        known = outputs.get(node["name"])
        if node["op"] in _NO_RESULT or (dtype is None and known is None):
            through[node["name"]] = tuple(reads)  # what stands behind it is what its readers read
            continue
        info = known or TensorInfo(
            name=result_name(len(found), 0),
            tensor=f"{node['name']}:0",
            index=0,
            shape=(),
            dtype=dtype or "float32",
        )
        through[node["name"]] = (info.name,)
        found.append(Operation(len(found), node["op"], (info,), tuple(reads)))
    return tuple(found)


def expose(artifact: Artifact, results: Sequence[TensorInfo], folder: Path) -> Artifact:
    """The files are the same: an output is what is asked for."""
    return with_outputs(artifact, results)


OPERATOR_OUTPUTS = OperatorOutputs(operations, expose)


def _behind_identities(outputs: Sequence[TensorInfo], nodes: Mapping[str, Any]) -> dict[str, TensorInfo]:
    """The node that computes each output, by name: converters end a graph in Identity nodes."""
    found: dict[str, TensorInfo] = {}
    for info in outputs:
        name = info.tensor.removesuffix(":0")
        while name in nodes and nodes[name]["op"] == "Identity" and _sources(nodes[name]):
            name = _sources(nodes[name])[0]
        found.setdefault(name, info.model_copy(update={"tensor": f"{name}:0"}))
    return found


def _sources(node: dict[str, Any]) -> list[str]:
    """The nodes that a node takes values from; `^name` is an order, not a value."""
    return [name.split(":")[0] for name in node.get("input", ()) if not name.startswith("^")]


def _in_order(nodes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each node behind those that it reads; otherwise as they are written."""
    waiting = {node["name"]: node for node in nodes}
    ordered: list[dict[str, Any]] = []
    for start in nodes:
        path = [start["name"]]
        while path:
            node = waiting.get(path[-1])
            missing = [name for name in _sources(node) if name in waiting and name not in path] if node else []
            if missing:
                path.append(missing[0])
                continue
            path.pop()
            if node is not None:
                ordered.append(waiting.pop(node["name"]))
    return ordered


def _dtype(node: dict[str, Any]) -> str | None:
    """What a page holds a node's first result in; None where the node does not say or it is no tensor."""
    if node["op"] in _BOOLEAN:
        return "bool"
    if node["op"] == "Shape":
        return "int32"
    attributes = node.get("attr", {})
    stated = "DstT" if node["op"] == "Cast" else "output_type" if node["op"].startswith("Arg") else None
    for name in (stated,) if stated else _TYPE_ATTRIBUTES:
        if name in attributes:
            return PAGE_TYPES.get(attributes[name].get("type", ""))
    return None
