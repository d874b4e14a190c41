"""QEMU's user mode, found on the PATH: which version, which cores, and whether it takes plugins."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path

from harness.errors import Unavailable
from harness.installation.packages import install_line

PROGRAM = "qemu-aarch64"


def program() -> Path:
    """Raises `Unavailable`."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise Unavailable(f"{PROGRAM} is not on the PATH: {install_line(PROGRAM)}.")
    return Path(found)


def version() -> str:
    """QEMU's version, written as `7.2.22`. Raises `Unavailable`."""
    found = re.search(r"version (\S+)", _answer(program(), "--version"))
    if found is None:
        raise Unavailable(f"{program()} does not tell its version, so it is no QEMU: {install_line(PROGRAM)}.")
    return found[1]


def cores() -> frozenset[str]:
    """The names of the cores that it emulates. Raises `Unavailable`."""
    return frozenset(line.strip() for line in _answer(program(), "-cpu", "help").splitlines()[1:])


def takes_plugins() -> bool:
    """Whether it was built with plugins, without which nothing is counted. Raises `Unavailable`."""
    return bool(re.search(r"^-plugin\b", _answer(program(), "-h"), re.MULTILINE))


@functools.cache
def _answer(qemu: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [qemu, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{qemu} cannot be started ({error}): {install_line(PROGRAM)}.") from error
    return done.stdout
