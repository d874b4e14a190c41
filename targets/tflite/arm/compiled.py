"""C of the harness's own, built on first use by the pinned compiler, for this machine or for the emulated one."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from harness.environment import environment
from harness.errors import Failed, Unavailable
from harness.paths import environments_directory

_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden")


def library(source: Path, *flags: str) -> Path:
    """Path of the shared library of one source file, built if it is not there. Raises `Unavailable` where it cannot
    be built here, and `Failed` where the compiler refuses it."""
    what = f"arm64-{source.stem}"
    zig = environment("zig")
    recipe = "\n".join([source_digest(source), *_FLAGS, *flags, zig.digest()])
    place = environments_directory() / f"{what}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.so"
    if place.is_file():
        return place
    compiler = [str(zig.python()), "-m", "ziglang", "cc"]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=place.parent) as name:
            directory = Path(name)
            caches = {f"ZIG_{kind}_CACHE_DIR": str(directory / "zig") for kind in ("GLOBAL", "LOCAL")}
            done = subprocess.run(
                [*compiler, *_FLAGS, *flags, str(source), "-o", "library.so"],
                cwd=directory,
                env={**os.environ, **caches},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=600,
                check=False,
            )
            if done.returncode and f"{source.name}:" not in done.stderr:  # it says nothing of the source: it was killed
                raise Unavailable(f"{source.name} was not built: the compiler ended with status {done.returncode}.")
            if done.returncode:
                raise Failed(f"The compiler refuses {source.name}: {' '.join(done.stderr.split())[:400]}")
            (directory / "library.so").replace(place)  # whole or not at all; two builders at once are harmless
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{source.name} cannot be built in {place.parent} ({error}).") from error
    return place


def source_digest(*sources: Path) -> str:
    """Identifies what the files hold."""
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
