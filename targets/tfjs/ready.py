"""A ready TensorFlow.js model: recognised, and copied with its shards, byte for byte.

Runs in the converter's environment, beside `converter.py`. What it reads was written by others: a shard lies in the
model's folder or below it, or the model is refused.
"""

from __future__ import annotations

import json
import posixpath
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
        place = posixpath.normpath(name)  # './weights.bin', as a browser's own download writes it
        if not name or "\0" in name or place.startswith(("/", "..")) or place in (".", ENTRY):
            raise NotTFJS(f"its weights name a file outside its folder ('{name[:80]}')")
        if not (path.parent / place).is_file():
            raise NotTFJS(f"its weight file {name} is missing beside it")
        (output / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path.parent / place, output / place)
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
