"""The plugin for QEMU that counts instructions: built for this machine on first use, by the pinned compiler."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

from . import qemu
from .compiled import library
from .sysroot import SYSROOT

SOURCE = Path(__file__).with_name("counter.c")


def counter() -> Path | None:
    """The plugin, built if it is not there; None where the QEMU at hand takes none. Raises `Unavailable`."""
    if not qemu.takes_plugins():
        return None
    built = library(SOURCE, f"-DPLUGIN_VERSION={interface_version(qemu.version())}")
    return built if _loads(qemu.program(), built) else None


def interface_version(version: str) -> int:
    """The version of the plugin interface to ask a QEMU for; QEMU 9 dropped what came before version 2."""
    return 1 if int(version.partition(".")[0]) < 9 else 2


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
