"""`model.json` and its shards: read, checked, and the weights as TensorFlow.js restores them.

Runs in the converter's environment, beside `converter.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .problems import Broken

ENTRY = "model.json"
METADATA = "harness"
"""Key of what is ours in `userDefinedMetadata`: canonical names, and notes on what was changed."""

LAYER = "layer:"
"""Prefix of the name of a layer whose result is asked for as an output. The model's own outputs are called by
position."""

STORED_BYTES = {"float32": 4, "int32": 4, "bool": 1, "complex64": 8, "uint8": 1, "uint16": 2, "float16": 2}


def read_model(path: Path) -> dict[str, Any]:
    """`model.json` as written. Raises `Broken`, also for numbers that Python writes into JSON and no browser reads."""
    try:
        model = json.loads(path.read_bytes(), parse_constant=refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise Broken(f"{path.name} cannot be read as JSON ({error}).") from error
    if not isinstance(model, dict) or not isinstance(model.get("modelTopology"), dict):
        raise Broken(f"{path.name} is not a TensorFlow.js model.")
    if is_layers(model) and isinstance(model.get("weightsManifest"), list):
        return model
    if model.get("format", "graph-model") != "graph-model" or not isinstance(model["modelTopology"].get("node"), list):
        raise Broken(f"{path.name} is not a TensorFlow.js graph model.")
    if not isinstance(model.get("weightsManifest"), list):
        raise Broken(f"{path.name} has no weights manifest.")
    return model


def refuse_constant(name: str) -> None:
    """Python writes NaN and infinities as JSON does not have them."""
    raise ValueError(f"it holds {name}, which no browser reads")


def check_ranges(path: Path) -> None:
    """Raise `Broken` for a quantised weight without a finite range: tensorflowjs writes one, which is no JSON."""
    for group in json.loads(path.read_bytes())["weightsManifest"]:
        for weight in group["weights"]:
            stored = weight.get("quantization", {})
            if not all(math.isfinite(stored.get(key, 0)) for key in ("scale", "min")):
                raise Broken(
                    f"the converter reported success, and the weight '{weight['name']}' holds infinite values, which"
                    f" {stored['dtype']} cannot store: no browser loads the model."
                )


def is_layers(model: Mapping[str, Any]) -> bool:
    """Whether a `model.json` is a layers model: it says so, or (older ones) Keras' topology does."""
    stated, topology = model.get("format"), model["modelTopology"]
    return stated == "layers-model" or (stated is None and ("model_config" in topology or "class_name" in topology))


def harness_metadata(model: Mapping[str, Any]) -> dict[str, Any]:
    """What this project wrote into a `model.json`; empty where another wrote it."""
    metadata = model.get("userDefinedMetadata")
    found = metadata.get(METADATA) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def stored_bytes(weight: Mapping[str, Any]) -> int:
    """Bytes of one weight in its shards. Raises `Broken` for a type that cannot be sized."""
    stored = weight.get("quantization", weight)["dtype"]
    if stored not in STORED_BYTES:
        raise Broken(f"weight '{weight['name']}' is stored as {stored}, which is not supported.")
    return int(math.prod(weight["shape"])) * STORED_BYTES[stored]


def check_weights(path: Path) -> None:
    """Every shard is there and together they are as long as the weights. Raises `Broken`.

    tensorflowjs can report success having written `model.json` alone.
    """
    for group in read_model(path)["weightsManifest"]:
        missing = [name for name in group["paths"] if not (path.parent / name).is_file()]
        if missing:
            raise Broken(f"the converter wrote no {', '.join(missing)}.")
        expected = sum(stored_bytes(weight) for weight in group["weights"])
        found = sum((path.parent / name).stat().st_size for name in group["paths"])
        if found != expected:
            raise Broken(f"the shards {', '.join(group['paths'])} hold {found} bytes, the weights take {expected}.")


def decoded_weights(model: Mapping[str, Any], folder: Path) -> dict[str, NDArray[Any]]:
    """Weight name → array, restored exactly as TensorFlow.js does: affine ones in double precision, then rounded to
    float32; float16 widened. Raises `Broken` on missing or short shards."""
    check_weights(folder / ENTRY)
    weights: dict[str, NDArray[Any]] = {}
    for group in model["weightsManifest"]:
        content = b"".join((folder / name).read_bytes() for name in group["paths"])
        offset = 0
        for weight in group["weights"]:
            size = stored_bytes(weight)
            quantised = weight.get("quantization")
            stored = np.dtype((quantised or weight)["dtype"]).newbyteorder("<")
            values = np.frombuffer(content[offset : offset + size], stored).reshape(weight["shape"])
            offset += size
            if quantised and quantised["dtype"] != "float16":
                values = values.astype(np.float64) * float(quantised["scale"]) + float(quantised["min"])
            weights[weight["name"]] = values.astype(weight["dtype"])
    return weights
