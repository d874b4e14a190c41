"""The TensorFlow.js files that the page loads: installed once by npm from pinned, hashed packages, kept by content."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from harness.errors import Unavailable, shortened
from harness.installation.once import install_once, tell
from harness.installation.packages import install_line
from harness.paths import environments_directory

HERE = Path(__file__).parent
PINS = ("package.json", "package-lock.json")
KERNELS_SCRIPT = HERE / "kernels.cjs"
KERNELS_FILE = "kernels.json"
INSTALL_SECONDS = 600

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


def version() -> str:
    """The pinned version of TensorFlow.js."""
    pins: dict[str, str] = json.loads((HERE / "package.json").read_text())["dependencies"]
    return pins["@tensorflow/tfjs-core"]


def digest() -> str:
    """Hash over the pins and over what is kept of the packages."""
    content = [(HERE / name).read_bytes() for name in PINS]
    kept = [KERNELS_SCRIPT.read_bytes(), json.dumps(_PACKAGE_FILES).encode()]
    return hashlib.sha256(b"\0".join([*content, *kept])).hexdigest()[:16]


def directory() -> Path:
    """Where the bundles are once installed."""
    return environments_directory() / f"tfjs-{version()}-{digest()}"


def installed() -> bool:
    """True where they are there; a directory is renamed into place only when it is whole."""
    return directory().is_dir()


def missing() -> str:
    """What keeps the bundles from being used or installed; empty if nothing."""
    if installed() or (shutil.which("npm") and shutil.which("node")):
        return ""
    return "npm (Node.js), which installs the TensorFlow.js bundles"


def install() -> Path:
    """Install the bundles unless they are there; returns their directory. Raises `Unavailable`."""
    install_once(directory(), "TensorFlow.js", installed, _make)
    return directory()


def _make(work: Path, lock: int) -> Path:
    """What is kept of the packages, made below the empty folder `work`."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise Unavailable(f"TensorFlow.js needs npm, which is not on PATH; install it with `{install_line('npm')}`.")
    tell(f"Installing TensorFlow.js {version()} …")
    for name in PINS:
        shutil.copyfile(HERE / name, work / name)
    _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"], work, lock)
    kernels = json.loads(_run([node, str(KERNELS_SCRIPT)], work, lock))
    kept = work / "kept"
    kept.mkdir()
    for package, names in _PACKAGE_FILES.items():
        for name in names:
            shutil.copyfile(work / "node_modules" / "@tensorflow" / package / "dist" / name, kept / name)
    (kept / KERNELS_FILE).write_text(json.dumps(kernels, indent=1, sort_keys=True))
    return kept


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


def _run(command: list[str], folder: Path, lock: int) -> str:
    """Standard output of a command. Raises `Unavailable` with its last word where it fails."""
    what = f"`{Path(command[0]).name} {command[1] if len(command) < 3 else 'ci'}`"
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
            pass_fds=(lock,),
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"TensorFlow.js: {what} took more than {INSTALL_SECONDS} s; run `make setup` again."
        ) from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise Unavailable(
            f"TensorFlow.js could not be installed: {what} failed ({shortened(lines[0].strip(), 200)}); check that npm"
            " reaches its registry and run `make setup`."
        )
    return done.stdout
