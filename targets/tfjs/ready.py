"""A ready TensorFlow.js model: recognised, copied with its shards, and given a signature where it has none.

Runs in the converter's environment, beside `converter.py`. What it reads was written by others: a shard is a plain file
name in the same folder, or the model is refused.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .model_json import ENTRY, refuse_constant


class NotTFJS(Exception):
    """The file is no TensorFlow.js model."""

    harness_kind = "failed"


def take_ready(path: Path, output: Path) -> tuple[str, str]:
    """Copy a model and its shards; returns the entry's name and what was recognised. Raises `NotTFJS`."""
    try:
        model = json.loads(path.read_bytes(), parse_constant=refuse_constant)
    except OSError as error:
        raise NotTFJS(f"{path.name} cannot be read ({error.strerror or type(error).__name__})") from error
    except (ValueError, RecursionError) as error:
        raise NotTFJS(f"it cannot be read as JSON ({str(error) or type(error).__name__})") from error
    if not isinstance(model, dict) or not isinstance(model.get("modelTopology"), dict):
        raise NotTFJS("it is no TensorFlow.js model (it has no modelTopology)")
    form = form_of(model)
    for name in shard_names(model):
        if Path(name).name != name or name in ("", ".", ".."):
            raise NotTFJS(f"its weights name a file outside its folder ('{name[:80]}')")
        if not (path.parent / name).is_file():
            raise NotTFJS(f"its weight file {name} is missing beside it")
        shutil.copyfile(path.parent / name, output / name)
    if form == "graph" and not isinstance(model.get("signature"), dict):
        model["signature"] = inferred_signature(model["modelTopology"])
        (output / ENTRY).write_text(json.dumps(model))
    else:
        shutil.copyfile(path, output / ENTRY)
    return ENTRY, f"a ready TensorFlow.js {form} model (its model.json says so)"


def form_of(model: Mapping[str, Any]) -> str:
    """`graph` or `layers`. Raises `NotTFJS`."""
    stated, topology = model.get("format"), model["modelTopology"]
    if stated == "graph-model" or (stated is None and "node" in topology):
        return "graph"
    if stated == "layers-model" or "model_config" in topology or "class_name" in topology:
        return "layers"
    raise NotTFJS(f"it is neither a graph model nor a layers model (its format is {str(stated)[:40]!r})")


def shard_names(model: Mapping[str, Any]) -> list[str]:
    """File names of the weights. Raises `NotTFJS`."""
    try:
        return [str(name) for group in model["weightsManifest"] for name in group["paths"]]
    except (KeyError, TypeError) as error:
        raise NotTFJS("it has no weights manifest") from error


def inferred_signature(topology: Mapping[str, Any]) -> dict[str, Any]:
    """Placeholders as inputs and what nothing consumes as outputs, for models older than signatures."""
    nodes = topology["node"]
    consumed = {name.lstrip("^").split(":")[0] for node in nodes for name in node.get("input", [])}
    inputs = {node["name"]: tensor_document(node) for node in nodes if node["op"] == "Placeholder"}
    ends = (
        node for node in nodes if node["name"] not in consumed and node["op"] not in ("Placeholder", "Const", "NoOp")
    )
    return {"inputs": inputs, "outputs": {node["name"]: tensor_document(node) for node in ends}}


def tensor_document(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node as an entry of a signature."""
    attributes = node.get("attr", {})
    kind = attributes.get("dtype", attributes.get("T", {})).get("type", "DT_FLOAT")
    return {"name": f"{node['name']}:0", "dtype": kind, "tensorShape": attributes.get("shape", {}).get("shape", {})}
