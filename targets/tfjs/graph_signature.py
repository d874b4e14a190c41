"""The signature of a graph model, read as TensorFlow.js reads it: it may lie in two places, lack sides, types, shapes
and the numbers of outputs, or be missing altogether.

Runs in the converter's environment, beside `converter.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Entry = dict[str, Any]
"""`name` of a tensor, `dtype` (a TensorFlow type, "" where the file does not say) and `tensorShape`."""


def signature_of(model: Mapping[str, Any]) -> dict[str, dict[str, Entry]]:
    """`inputs` and `outputs`: name → entry. What the signature leaves out is taken from the node itself; a side that it
    has not is inferred as TensorFlow.js does: placeholders go in, what nothing consumes comes out."""
    metadata = model.get("userDefinedMetadata")
    stated = metadata.get("signature") if isinstance(metadata, Mapping) else None
    stated = stated if isinstance(stated, Mapping) else model.get("signature")
    stated = stated if isinstance(stated, Mapping) else {}
    nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
    found = {}
    for side, inferred in (("inputs", placeholders(nodes)), ("outputs", ends(nodes))):
        entries = {str(key): dict(entry) for key, entry in (stated.get(side) or {}).items()} or inferred
        found[side] = {key: completed(entry, nodes) for key, entry in entries.items()}
    return found


def placeholders(nodes: Mapping[str, Any]) -> dict[str, Entry]:
    """The inputs of a model that states none."""
    return {name: {"name": f"{name}:0"} for name, node in nodes.items() if node["op"].startswith("Placeholder")}


def ends(nodes: Mapping[str, Any]) -> dict[str, Entry]:
    """The outputs of a model that states none."""
    consumed = {node_name(name) for node in nodes.values() for name in node.get("input", [])}
    silent = ("Placeholder", "Const", "NoOp")
    return {
        name: {"name": f"{name}:0"}
        for name, node in nodes.items()
        if name not in consumed and not node["op"].startswith(silent)
    }


def completed(entry: Mapping[str, Any], nodes: Mapping[str, Any]) -> Entry:
    """An entry with what its node says of type and shape where the entry itself says nothing. A node says the type of
    its output only where it has one type for all that it does; for others TensorFlow is asked (`graph.py`)."""
    attributes = nodes.get(node_name(entry["name"]), {}).get("attr", {})
    kind = entry.get("dtype") or attributes.get("dtype", {}).get("type", "")
    shape = entry.get("tensorShape") or attributes.get("shape", {}).get("shape") or {}
    return {"name": str(entry["name"]), "dtype": kind, "tensorShape": shape}


def node_name(reference: str) -> str:
    """The node of a tensor's name, or of a control input's."""
    return reference.lstrip("^").split(":")[0]


def tensor_name(reference: str) -> str:
    """A tensor's name as TensorFlow takes it: TensorFlow.js also takes a node's for that of its first output."""
    return reference if ":" in reference else f"{reference}:0"
