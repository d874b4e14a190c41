"""How to get a program from the system's own packages: the one line, by the package manager that is there."""

from __future__ import annotations

import functools
import platform
import shutil
import sys
from pathlib import Path

TABLE = Path(__file__).parents[1] / "setup" / "system-packages.txt"
_COLUMNS = ("debian", "ubuntu", "fedora", "macos", "other")
_LINES = {
    "debian": "apt-get install -y",
    "ubuntu": "apt-get install -y",
    "fedora": "dnf install -y",
    "macos": "brew install",
}


def install_line(command: str) -> str:
    """The line that installs `command`, one of those in system-packages.txt, on this system."""
    system = this_system()
    package = _packages()[command][_COLUMNS.index(system)]
    if package.startswith("playwright:"):
        return f"{sys.executable} -m playwright install {package.partition(':')[2]}"
    if package == "-":
        return f"install {command} as your system has it"
    return f"{_LINES[system]} {package.replace(',', ' ')}"


def this_system() -> str:
    """A column of the table: whose package manager is on PATH."""
    if shutil.which("apt-get"):
        try:
            release = platform.freedesktop_os_release()
        except OSError:
            release = {}
        return "ubuntu" if "ubuntu" in f"{release.get('ID', '')} {release.get('ID_LIKE', '')}" else "debian"
    if shutil.which("dnf"):
        return "fedora"
    return "macos" if shutil.which("brew") else "other"


@functools.cache
def _packages() -> dict[str, list[str]]:
    """Package by system, for the first command of each row."""
    rows = [line.split() for line in TABLE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    return {row[0].split(",")[0]: row[1 : 1 + len(_COLUMNS)] for row in rows}
