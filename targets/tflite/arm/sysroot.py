"""The part of an arm64 Debian that Python needs, unpacked below the environments: no foreign architecture is added to
the system, and nobody has to be root.

A mirror drops old packages, so their versions cannot be pinned: they are written down when the folder is made, and
stand in the fingerprint of every target that runs on it. Another C library is then another runtime.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import Unavailable
from harness.installation.once import install_once, print_line
from harness.paths import environments_directory

from .cores import CORES

_LIBRARIES = (
    ("libc6",),
    ("libgcc-s1",),
    ("libstdc++6",),
    ("zlib1g",),
    ("libexpat1",),
    ("libffi8",),
    ("libbz2-1.0",),
    ("liblzma5",),
    ("libssl3", "libssl3t64"),
    ("libcrypt1",),
    ("libuuid1",),
)
"""The names that releases of Debian know a package by."""
_PYTHON = ("python{}-minimal", "libpython{}-minimal", "libpython{}-stdlib")
_PYTHON_VERSIONS = ("3.11", "3.12", "3.13")
"""Python versions that the runtimes have wheels for. The first that the package sources have is taken."""
_DECISIVE = ("libc6", "libstdc++6")
"""Whose code a model's inference runs, beside the runtime's own."""
_FACTS = "packages.json"
_LAYOUT = 1
_SECONDS = 600


@dataclass(frozen=True)
class Sysroot:
    """One for all cores: `core_folder` is what QEMU takes for the root folder of one of them."""

    def location(self) -> Path:
        described = {name: dict(core.files()) for name, core in CORES.items()}
        recipe = json.dumps([_LAYOUT, _LIBRARIES, _PYTHON, _PYTHON_VERSIONS, described], sort_keys=True)
        return environments_directory() / f"arm64-sysroot-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"

    def ready(self) -> bool:
        return (self.location() / _FACTS).is_file()

    def lacking(self) -> str:
        """The program without which it cannot be made, or nothing."""
        return "" if self.ready() else next((name for name in ("apt-get", "dpkg") if shutil.which(name) is None), "")

    def make(self) -> None:
        """Fetch and unpack it unless it is there. Raises `Unavailable`."""
        if not self.ready():
            install_once(self.location(), "the arm64 system that phones' kernels run on", self.ready, _make)

    def python_version(self) -> str:
        """The Python version, written as `3.11`. Raises `Unavailable` if the system root is not made."""
        return str(self._facts()["python"])

    def python(self) -> Path:
        return self.location() / "root" / "usr" / "bin" / f"python{self.python_version()}"

    def core_folder(self, core: str) -> Path:
        return self.location() / "cores" / core

    def versions(self) -> dict[str, str]:
        """Version of each Debian package; empty where it is not made."""
        return dict(self._facts()["packages"]) if self.ready() else {}

    def decisive(self) -> dict[str, str]:
        """The versions of those whose code an inference runs."""
        return {name: version for name, version in self.versions().items() if name in _DECISIVE}

    def _facts(self) -> dict[str, Any]:
        try:
            return json.loads((self.location() / _FACTS).read_text())
        except (OSError, ValueError) as error:
            raise Unavailable(
                f"The arm64 system in {self.location()} cannot be read ({error}); delete that folder and run again."
            ) from error


def _make(partial: Path, lock: int) -> Path:
    print_line("Installing the arm64 system that phones' kernels run on …")
    folder = partial / "made"
    folder.mkdir()
    apt = folder / "apt"
    packages = apt / "packages"
    for part in (packages, apt / "lists" / "partial", apt / "cache" / "archives" / "partial"):
        part.mkdir(parents=True)
    options = [
        "APT::Architecture=arm64",
        "APT::Architectures=arm64",
        "APT::Sandbox::User=",
        f"Dir::State::Lists={apt / 'lists'}",
        f"Dir::Cache={apt / 'cache'}",
        "Dir::State::status=/dev/null",
        "Acquire::Languages=none",
        "Acquire::Retries=2",
    ]
    settings = [word for option in options for word in ("-o", option)]
    update = _run(["apt-get", *settings, "update"], packages, lock)
    known = set(_run(["apt-cache", *settings, "pkgnames"], packages, lock).stdout.split())
    version, names = _chosen(known, update.stderr)
    fetched = _run(["apt-get", *settings, "download", *names], packages, lock)
    files = sorted(packages.glob("*.deb"))
    if fetched.returncode or len(files) != len(names):
        raise _cannot(f"apt-get: {_last(fetched.stderr)}")
    root = folder / "root"
    root.mkdir()
    for file in files:
        unpacked = _run(["dpkg", "-x", str(file), str(root)], packages, lock)
        if unpacked.returncode:
            raise _cannot(f"dpkg: {_last(unpacked.stderr)}")
    if not (root / "lib").exists():  # releases in which all packages unpack below usr
        (root / "lib").symlink_to("usr/lib")
    _describe_cores(folder / "cores", root)
    parts = [file.name.split("_") for file in files]
    versions = {name: known_as.replace("%3a", ":") for name, known_as, _ in parts}
    (folder / _FACTS).write_text(json.dumps({"python": version, "packages": versions}, indent=1) + "\n")
    shutil.rmtree(apt)
    return folder


def _chosen(known: set[str], complaint: str) -> tuple[str, list[str]]:
    """The Python version and the names of all packages. Raises `Unavailable` where the sources have no arm64."""
    for version in _PYTHON_VERSIONS:
        wanted = [*_LIBRARIES, *((name.format(version),) for name in _PYTHON)]
        names = [next((name for name in names if name in known), "") for names in wanted]
        if all(names):
            return version, names
    reason = _last(complaint) if not known else f"none of Python {', '.join(_PYTHON_VERSIONS)} for arm64 is in them"
    raise _cannot(f"this system's package sources do not serve: {reason}")


def _describe_cores(folder: Path, root: Path) -> None:
    """Writes, for each core, a root folder with what `/proc` and `/sys` say of it; all else is shared."""
    for core in CORES.values():
        place = folder / core.name
        for name, text in core.files().items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        for entry in root.iterdir():
            if entry.name != "etc":
                (place / entry.name).symlink_to(Path("..", "..", "root", entry.name))


def _run(command: list[str], directory: Path, lock: int) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            env={**os.environ, "LC_ALL": "C"},
            pass_fds=(lock,),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _cannot(str(error)) from error


def _cannot(reason: str) -> Unavailable:
    return Unavailable(
        f"The arm64 system for tflite/arm64-* cannot be made ({reason.rstrip('.')}); it takes a Debian whose package "
        "sources can be reached."
    )


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("W:")]
    return lines[-1][:300] if lines else "no reason given"


SYSROOT = Sysroot()
