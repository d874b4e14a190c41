"""Operators' outputs of a model: TensorFlow.js gives the result of any node of a graph by its name, and a layers model
that ends in any layer of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.artifact import Artifact, TensorInfo
from harness.errors import Unsupported
from harness.operator_outputs import OperatorNode, OperatorOutputs, result_name, with_outputs

from .graph import PAGE_TYPES
from .model_json import LAYER, is_layers, read_model

_NO_RESULT = ("Const", "Placeholder", "NoOp", "Identity", "IdentityN")
_TYPE_ATTRIBUTES = ("T", "dtype", "DstT", "output_type", "out_type", "Tparams")
_BOOLEAN = ("Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr",
            "LogicalNot", "IsNan", "IsInf", "IsFinite", "All", "Any")  # fmt: skip


def operations(artifact: Artifact) -> tuple[OperatorNode, ...]:
    """The nodes of the graph, or the layers, that compute something, in an order in which they can be run; of each its
    first result. Raises `Unsupported` for a layers model whose description is not understood."""
    model = read_model(artifact.path)
    if is_layers(model):
        return _layers(artifact, model["modelTopology"])
    nodes = _in_order(model["modelTopology"]["node"])
    outputs = _behind_identities(artifact.outputs, {node["name"]: node for node in nodes})
    through: dict[str, tuple[str, ...]] = {}
    found: list[OperatorNode] = []
    for node in nodes:
        reads = dict.fromkeys(name for source in _sources(node) for name in through.get(source, ()))
        dtype = result_dtype(node)
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
        found.append(OperatorNode(len(found), node["op"], (info,), tuple(reads)))
    return tuple(found)


def expose(artifact: Artifact, results: Sequence[TensorInfo], folder: Path) -> Artifact:
    """The files are the same: an output is what is asked for."""
    return with_outputs(artifact, results)


OPERATOR_OUTPUTS = OperatorOutputs(operations, expose)


def _layers(artifact: Artifact, topology: Mapping[str, Any]) -> tuple[OperatorNode, ...]:
    """The layers of the model itself, and a model in it where its result is an output. Layers that are used more than
    once have no one result, and another model's in it is not the one that it gives here (Keras names that of its own
    inputs): both are left out, and what stands behind them is what their readers read."""
    try:
        described = topology.get("model_config", topology)["config"]
        listed = described if isinstance(described, list) else described["layers"]
        reads = _reads_of(listed, is_sequence="input_layers" not in described)
        last = [listed[-1]["config"]["name"]]
        ends = last if isinstance(described, list) else _names(described.get("output_layers", last))
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise Unsupported(f"The layers of {artifact.model} {artifact.variant} are described in another way.") from error
    # An artifact may show layers already: only outputs by position are the model's own.
    own = {ends[int(info.tensor)]: info for info in artifact.outputs if info.tensor.isdigit()}
    through: dict[str, tuple[str, ...]] = {}
    found: list[OperatorNode] = []
    for layer in listed:
        name = layer["config"]["name"]
        behind = tuple(dict.fromkeys(one for source in reads[name] or () for one in through.get(source, ())))
        has_no_one_result = reads[name] is None or ("layers" in layer["config"] and name not in own)
        if layer["class_name"] == "InputLayer" or has_no_one_result:
            through[name] = behind
            continue
        tensor = f"{LAYER}{name}"
        info = own[name].model_copy(update={"tensor": tensor}) if name in own else None
        info = info or TensorInfo(name=result_name(len(found), 0), tensor=tensor, index=0, shape=(), dtype="float32")
        through[name] = (info.name,)
        found.append(OperatorNode(len(found), layer["class_name"], (info,), behind))
    return tuple(found)


def _reads_of(listed: Sequence[Mapping[str, Any]], *, is_sequence: bool) -> dict[str, list[str] | None]:
    """Layer → the layers that it reads, by name; None where it is called more than once."""
    found: dict[str, list[str] | None] = {}
    before: list[str] = []
    for layer in listed:
        name = layer["config"]["name"]
        calls = layer.get("inbound_nodes") or [[]]
        if is_sequence:
            found[name] = before
        else:
            found[name] = _names(calls[0]) if len(calls) == 1 else None
        before = [name]
    return found


def _names(ends: Any) -> list[str]:
    """The layers that a list of `[layer, node, tensor, …]` names; one alone may stand without its list."""
    if ends and isinstance(ends[0], str):
        return [ends[0]]
    return [str(end[0]) for end in ends]


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


def result_dtype(node: Mapping[str, Any]) -> str | None:
    """What a page holds a node's first result in; None where the node does not say or it is no tensor."""
    if node["op"] in _BOOLEAN:
        return "bool"
    if node["op"] == "Shape":
        return "int32"
    attributes = node.get("attr", {})
    names: Sequence[str] = _TYPE_ATTRIBUTES
    if node["op"] == "Cast":
        names = ("DstT",)
    elif node["op"].startswith("Arg"):
        names = ("output_type",)
    for name in names:
        if name in attributes:
            return PAGE_TYPES.get(attributes[name].get("type", ""))
    return None
