"""A page that repeats a fault of TensorFlow.js, with nothing but the public packages beside it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.artifact import Artifact
from harness.reproduction import FACTS, Repeated, Reproduction

from . import bundles
from .loader import is_layers

HERE = Path(__file__).with_name("repeat")
ORIGIN = "http://127.0.0.1:8000"
"""Where a reader serves the folder to himself: a page of the disk may fetch no WebAssembly."""
SERVE = "python3 -m http.server --bind 127.0.0.1 8000"
PAGE = "index.html"


def reproduction(
    artifact: Artifact,
    backend: str,
    flags: Mapping[str, Any],
    show: Callable[[str, Mapping[str, Path]], Repeated],
    browser: Mapping[str, str],
) -> Reproduction:
    """`show(page, files)`: opens an address in the browser, with `files` in the place of what is served, and gives the
    page's verdict. `browser`: its name and version."""
    library = bundles.LAYERS if is_layers(artifact.path) else bundles.GRAPH
    scripts = (bundles.CORE, library, bundles.BACKENDS[backend])
    version = bundles.version()
    needed = bundles.needed(backend, scripts)
    installed = {f"{ORIGIN}/{address(name)}{name}": bundles.directory() / name for name in needed}
    packages = sorted({f"{bundles.package_of(name)}@{version}" for name in needed})
    setting = {"backend": backend, "flags": dict(flags), "wasm_paths": address(bundles.WASM_BINARIES[0])}
    return Reproduction(
        called=f"TensorFlow.js {version} ({backend} backend)",
        write=lambda folder: _write(folder, artifact, scripts),
        repeat=lambda folder: show(
            f"{ORIGIN}/{PAGE}", {**{f"{ORIGIN}/{file.name}": file for file in folder.iterdir()}, **installed}
        ),
        packages={f"@tensorflow/tfjs-backend-{backend}": version, **dict(browser)},
        how=(
            f"npm install --prefix . {' '.join(packages)}",
            SERVE,
            f"open {ORIGIN}/{PAGE}, which says whether the fault shows",
        ),
        setting=setting,
    )


def address(name: str) -> str:
    """The folder that npm puts a file of the bundles into, below the page's."""
    return f"node_modules/{bundles.package_of(name)}/dist/"


def _write(folder: Path, artifact: Artifact, scripts: tuple[str, ...]) -> None:
    """The page, its script, and the case as a script, since a page of the disk may read nothing else."""
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    model = json.loads((folder / artifact.entry).read_text(encoding="utf-8"))
    shards = [name for group in model["weightsManifest"] for name in group["paths"]]
    arrays = {info["name"]: np.load(folder / info["file"]) for side in ("inputs", "outputs") for info in facts[side]}
    case = {
        **facts,
        "layers": is_layers(folder / artifact.entry),
        "model": model,
        "weights": [base64.b64encode((folder / name).read_bytes()).decode() for name in shards],
        "samples": len(arrays[facts["outputs"][0]["name"]]),
        **{
            side: [
                {**info, "shape": list(arrays[info["name"]].shape[1:]), "array": _array(arrays[info["name"]])}
                for info in facts[side]
            ]
            for side in ("inputs", "outputs")
        },
    }
    (folder / "case.js").write_text(f"const FAULT = {json.dumps(case, indent=1)};\n", encoding="utf-8")
    tags = "\n".join(f'<script src="{address(name)}{name}"></script>' for name in scripts)
    page = (HERE / PAGE).read_text(encoding="utf-8").replace("@SCRIPTS@", tags)
    (folder / PAGE).write_text(page, encoding="utf-8")
    (folder / "repeat.js").write_text((HERE / "repeat.js").read_text(encoding="utf-8"), encoding="utf-8")


def _array(values: Any) -> dict[str, str]:
    return {"dtype": str(values.dtype), "data": base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()}
