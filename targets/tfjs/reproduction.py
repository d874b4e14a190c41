"""What a page loads of TensorFlow.js to repeat a fault: its public packages, and a model with its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.artifact import Artifact

from ..browser.reproduction import SCRIPT, Library, encoded
from . import bundles
from .loader import is_layers


def library(artifact: Artifact, backend: str, flags: Mapping[str, Any]) -> Library:
    """The library with one backend and flags of the environment."""
    scripts = (bundles.CORE, bundles.LAYERS if is_layers(artifact.path) else bundles.GRAPH, bundles.BACKENDS[backend])
    version = bundles.version()
    needed = bundles.needed(backend, scripts)
    return Library(
        called=f"TensorFlow.js {version} ({backend} backend)",
        packages={f"@tensorflow/tfjs-backend-{backend}": version},
        npm=tuple(sorted({f"{bundles.package_of(name)}@{version}" for name in needed})),
        tags="\n".join(f'<script src="{address(name)}{name}"></script>' for name in scripts),
        script=Path(__file__).with_name("repeat") / SCRIPT,
        setting={"backend": backend, "flags": dict(flags), "wasm_paths": address(bundles.WASM_BINARIES[0])},
        model=lambda folder: _model(folder / artifact.entry),
        installed={f"{address(name)}{name}": bundles.directory() / name for name in needed},
    )


def address(name: str) -> str:
    """The folder that npm puts a file of the bundles into, below the page's."""
    return f"node_modules/{bundles.package_of(name)}/dist/"


def _model(path: Path) -> dict[str, Any]:
    model = json.loads(path.read_text(encoding="utf-8"))
    shards = [name for group in model["weightsManifest"] for name in group["paths"]]
    weights = [encoded((path.parent / name).read_bytes()) for name in shards]
    return {"layers": is_layers(path), "model": model, "weights": weights}
