"""Layers models as the engine sees them: which artifacts are some, and what their conversion needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from harness.variant import Variant

from . import bundles


def is_layers(path: Path) -> bool:
    """Whether an artifact's `model.json` is a layers model; it was read and checked when it was made."""
    try:
        model = json.loads(path.read_bytes())
        topology = model["modelTopology"]
        stated = model.get("format")
        return bool(stated == "layers-model" or (stated is None and topology.keys() & {"model_config", "class_name"}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def resources(variant: Variant) -> dict[str, str]:
    """What the conversion of a variant needs: for a layers model Node.js and the bundles, in which it is loaded once.
    Raises `Unavailable`."""
    if variant.options.get("form") != "layers":
        return {}
    return {"bundles": str(bundles.install()), "node": shutil.which("node") or "node"}
