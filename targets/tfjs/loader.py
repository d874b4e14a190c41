"""The pinned packages that load a layers model after its conversion: installed once by npm, kept by content."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from harness.errors import Unavailable
from harness.paths import cache_directory
from harness.variant import Variant

from . import bundles

HERE = Path(__file__).parent / "layers_loader"
PINS = ("package.json", "package-lock.json")


def is_layers(path: Path) -> bool:
    """Whether an artifact's `model.json` is a layers model; it was read and checked when it was made."""
    try:
        return bool(json.loads(path.read_bytes()).get("format") == "layers-model")
    except (OSError, ValueError):
        return False


def directory() -> Path:
    """Where the packages are once installed."""
    digest = hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in PINS)).hexdigest()[:16]
    return cache_directory() / "npm" / f"layers-{digest}"


def install() -> Path:
    """Install the packages unless they are there; returns the folder of `node_modules`. Raises `Unavailable`."""
    target = directory()
    if target.is_dir():
        return target
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Unavailable(
            "A layers model is loaded by Node.js after its conversion, and npm is not on PATH; install it with"
            " `apt-get install -y npm`."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".installing-", dir=target.parent))
    try:
        for name in PINS:
            shutil.copyfile(HERE / name, work / name)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"]
        bundles._run(command, work)
        bundles._rename(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def resources(variant: Variant) -> dict[str, str]:
    """What the conversion of a variant needs: Node.js and the packages, for a layers model alone."""
    if variant.options.get("form") != "layers":
        return {}
    return {"modules": str(install()), "node": shutil.which("node") or "node"}
