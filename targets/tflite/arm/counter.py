"""The plugin for QEMU that counts instructions: built for this machine on first use, by the pinned compiler."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from harness.environment import environment
from harness.errors import Unavailable
from harness.paths import environments_directory

from . import qemu
from .sysroot import SYSROOT

SOURCE = Path(__file__).with_name("counter.c")
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden")


def counter() -> Path | None:
    """The plugin, built if it is not there; None where the QEMU at hand takes none. Raises `Unavailable`."""
    if not qemu.takes_plugins():
        return None
    built = _built(interface_version(qemu.version()))
    return built if _loads(qemu.program(), built) else None


def interface_version(version: str) -> int:
    """The version of the plugin interface to ask a QEMU for; QEMU 9 dropped what came before version 2."""
    return 1 if int(version.partition(".")[0]) < 9 else 2


def source_digest() -> str:
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()


def _built(interface: int) -> Path:
    flags = (*_FLAGS, f"-DPLUGIN_VERSION={interface}")
    zig = environment("zig")
    recipe = "\n".join([source_digest(), *flags, zig.digest()])
    place = environments_directory() / f"arm64-counter-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.so"
    if place.is_file():
        return place
    compiler = [str(zig.python()), "-m", "ziglang", "cc"]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=place.parent) as name:
            directory = Path(name)
            caches = {f"ZIG_{kind}_CACHE_DIR": str(directory / "zig") for kind in ("GLOBAL", "LOCAL")}
            done = subprocess.run(
                [*compiler, *flags, str(SOURCE), "-o", "counter.so"],
                cwd=directory,
                env={**os.environ, **caches},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=600,
                check=False,
            )
            if done.returncode:
                raise Unavailable(f"The counter of instructions cannot be built: {' '.join(done.stderr.split())[:400]}")
            (directory / "counter.so").replace(place)  # whole or not at all; two builders at once are harmless
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"The counter of instructions cannot be built in {place.parent} ({error}).") from error
    return place


@functools.cache
def _loads(program: Path, plugin: Path) -> bool:
    """Whether this QEMU runs with it: an interface that is not as declared is said at once."""
    loader = SYSROOT.location() / "root" / "lib" / "ld-linux-aarch64.so.1"
    command = [str(program), "-plugin", str(plugin), "-cpu", "cortex-a53", str(loader), "--version"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
