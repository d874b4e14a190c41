"""The TensorFlow.js files that the page loads, and which kernels each backend has."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path

from ..browser.npm import Bundle, Run

HERE = Path(__file__).parent
KERNELS_SCRIPT = HERE / "kernels.cjs"
KERNELS_FILE = "kernels.json"

CORE = "tf-core.min.js"
GRAPH = "tf-converter.min.js"
LAYERS = "tf-layers.min.js"
BACKENDS = {name: f"tf-backend-{name}.min.js" for name in ("cpu", "wasm", "webgl", "webgpu")}
WASM_BINARIES = ("tfjs-backend-wasm.wasm", "tfjs-backend-wasm-simd.wasm", "tfjs-backend-wasm-threaded-simd.wasm")
_PACKAGE_FILES = {
    "tfjs-core": (CORE,),
    "tfjs-converter": (GRAPH,),
    "tfjs-layers": (LAYERS,),
    "tfjs-backend-cpu": (BACKENDS["cpu"],),
    "tfjs-backend-wasm": (BACKENDS["wasm"], *WASM_BINARIES),
    "tfjs-backend-webgl": (BACKENDS["webgl"],),
    "tfjs-backend-webgpu": (BACKENDS["webgpu"],),
}


def _decisive() -> Sequence[bytes]:
    return (KERNELS_SCRIPT.read_bytes(), json.dumps(_PACKAGE_FILES).encode())


def _read_registered(kept: Path, node: Run) -> None:
    """Put the kernels of each backend beside its files."""
    kernels = json.loads(node([str(KERNELS_SCRIPT)]))
    (kept / KERNELS_FILE).write_text(json.dumps(kernels, indent=1, sort_keys=True))


BUNDLE = Bundle(
    "TensorFlow.js",
    "tfjs",
    HERE,
    "@tensorflow/tfjs-core",
    {f"@tensorflow/{package}": tuple(f"dist/{name}" for name in names) for package, names in _PACKAGE_FILES.items()},
    _decisive,
    _read_registered,
)
version, digest, directory = BUNDLE.version, BUNDLE.digest, BUNDLE.directory
installed, missing, install = BUNDLE.installed, BUNDLE.missing, BUNDLE.install


def package_of(name: str) -> str:
    """The public package that a file is of."""
    return next(f"@tensorflow/{package}" for package, names in _PACKAGE_FILES.items() if name in names)


def needed(backend: str, scripts: Sequence[str]) -> tuple[str, ...]:
    """All that a page asks for that loads `scripts`."""
    return (*scripts, *(WASM_BINARIES if backend == "wasm" else ()))


def kernels(backend: str) -> tuple[dict[str, str], frozenset[str]]:
    """Graph operator → kernel, and the kernels that `backend` registers, as read from the packages at installation.
    Both are empty where the bundles are not installed."""
    path = directory() / KERNELS_FILE
    if not path.is_file():
        return {}, frozenset()
    operators, registered = _read_kernels(path)
    return operators, registered[backend]


@functools.lru_cache(maxsize=4)
def _read_kernels(path: Path) -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    content = json.loads(path.read_text())
    return content["operators"], {backend: frozenset(names) for backend, names in content["kernels"].items()}
