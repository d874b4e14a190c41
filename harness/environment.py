"""Isolated Python environments for converters and runtimes, from pinned, hashed requirement files.

An environment is addressed by the hash of its requirement file and Python version; it is made on first use in a
temporary folder next to its place and renamed, so a half-made one is never used.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, Unavailable
from harness.installation.interpreter import (
    ensure_python,
    find_uv,
    installed_interpreter,
    known_failure,
    own_version,
    uv_reason,
)
from harness.installation.once import install_once, print_line
from harness.paths import environments_directory

REQUIREMENTS_DIRECTORY = Path(__file__).parent / "requirements"
ENGINE_VERSIONS = ("3.11", "3.12", "3.13", "3.14")
"""The Python versions that the engine itself runs on."""

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\,]+)")

_versions_in_use: dict[tuple[Path, str, tuple[str, ...]], str] = {}
"""Which Python version an environment has in this process, by place, requirements and choice. It is decided once:
what another process installs meanwhile must not change what a case was addressed by."""


@dataclass(frozen=True)
class Environment:
    """`requirements` is a pinned requirement file with hashes; `name` is what people call it."""

    name: str
    requirements: Path | None = None
    packages: tuple[str, ...] = ()
    """The packages whose versions a reader of a record wants to know; empty for every one."""
    python_versions: tuple[str, ...] = ("3.11", "3.12")
    """The Python versions that its wheels exist for. The engine's own is taken where it is among them."""
    pins: tuple[str, ...] = ()
    """Requirements in place of a file, with no hashes: versions that a user asked for by name."""
    serves: str = "what needs this environment"
    """What cannot be had without it, in words."""
    linux_x86_only: tuple[str, ...] = ()
    """Packages without wheels for every other system, which nothing imports in this environment: left out there."""

    @classmethod
    def from_pins(
        cls, name: str, pins: Sequence[str], python_versions: Sequence[str] = ("3.11", "3.12")
    ) -> Environment:
        """An environment of exactly these `package==version`; what they depend on is resolved when it is installed."""
        for pin in pins:
            if not _PIN.match(pin):
                raise HarnessError(
                    f"`{pin}` in the environment `{name}` does not pin a version; write it as `package==version`."
                )
        if not pins:
            raise HarnessError(f"The environment `{name}` pins no package; name at least one as `package==version`.")
        names = tuple(_name_and_version(pin)[0] for pin in pins)
        return cls(name, packages=names, python_versions=tuple(python_versions), pins=tuple(pins))

    def ready(self) -> bool:
        """True where the environment is already installed."""
        return _interpreter(self._location()).is_file()

    def python(self) -> Path:
        """Path of its interpreter; installs the environment first where needed. Raises `Unavailable`."""
        location = self._location()
        install_once(location, f"the environment `{self.name}`", self.ready, self._install)
        return _interpreter(location)

    def lacking(self) -> str:
        """The Python that it cannot have, and why, where an attempt within the hour has shown that; empty else."""
        version = self._python_version()
        if self.ready() or installed_interpreter(version) is not None:
            return ""
        reason = known_failure(version)
        return f"Python {' or '.join(self.python_versions)} ({reason})" if reason else ""

    def digest(self) -> str:
        """Identifies what is installed: the hash of the requirements and the Python version."""
        return self._digest_for(self._python_version())

    def versions(self) -> dict[str, str]:
        """Version of each main package, read from the requirements; nothing is started."""
        version = self._python_version()
        pinned: dict[str, str] = {}
        for line in self._text().splitlines():
            if _PIN.match(line) and _applies(line, version):
                package, pin = _name_and_version(line)
                pinned[package] = pin
        return {package: pinned[package] for package in self.packages or sorted(pinned) if package in pinned}

    def _text(self) -> str:
        if self.requirements is None:
            return "".join(f"{pin}\n" for pin in self.pins)
        try:
            text = self.requirements.read_text(encoding="utf-8")
        except OSError as error:
            raise Unavailable(
                f"The requirement file {self.requirements} of the environment `{self.name}` cannot be read "
                f"({error.strerror}); install the harness again."
            ) from error
        return text if not self.linux_x86_only or _on_linux_x86() else without_packages(text, self.linux_x86_only)

    def _python_version(self) -> str:
        """The version that it is installed for; else the engine's own, the first that is found, the first to bring."""
        key = (environments_directory(), self._digest_for("any"), self.python_versions)
        if key not in _versions_in_use:
            _versions_in_use[key] = self._choose_version()
        return _versions_in_use[key]

    def _choose_version(self) -> str:
        own = own_version()
        versions = sorted(self.python_versions, key=lambda version: version != own)
        for version in versions:
            if _interpreter(self._location_for(version)).is_file():
                return version
        if own in versions:
            return own
        return next((version for version in versions if installed_interpreter(version)), versions[0])

    def _digest_for(self, version: str) -> str:
        return hashlib.sha256(f"python {version}\n{self._text()}".encode()).hexdigest()

    def _location(self) -> Path:
        return self._location_for(self._python_version())

    def _location_for(self, version: str) -> Path:
        return environments_directory() / f"{self.name}-{self._digest_for(version)[:16]}"

    def _install(self, folder: Path, lock: int) -> Path:
        """Make the environment below `folder`; returns its place there."""
        base = ensure_python(
            self._python_version(), self.python_versions, f"the environment `{self.name}`", self.serves
        )
        named = ", ".join(f"{package} {version}" for package, version in list(self.versions().items())[:6])
        print_line(f"Installing the environment `{self.name}` ({named}) …")
        began = time.monotonic()
        requirements = folder / "requirements.txt"
        made = folder / "environment"
        requirements.write_text(self._text(), encoding="utf-8")
        # Relocatable, because it is renamed once it is whole: no script in it may name the folder it was made in.
        self._uv(["venv", "--quiet", "--relocatable", "--python", str(base), str(made)], lock)
        # A file names all that is needed; a package that was left out of it must not come back unpinned.
        whole = ["--require-hashes", "--no-deps"] if self.requirements is not None else []
        python = str(_interpreter(made))
        self._uv(["pip", "install", "--python", python, *whole, "--requirements", str(requirements)], lock)
        requirements.rename(made / "requirements.txt")
        print_line(f"Installed the environment `{self.name}` in {time.monotonic() - began:.1f} s.")
        return made

    def _uv(self, arguments: list[str], lock: int) -> None:
        """Run uv. It inherits the lock: killed alone, this process leaves it held until uv has ended as well, so that
        nobody clears a folder that uv still writes to."""
        # A person at a terminal sees uv's own progress, unless something else is drawing there.
        terminal = sys.__stderr__
        seen = terminal is not None and terminal is sys.stderr and terminal.isatty()
        variables = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}}
        command = [find_uv(), *arguments, "--no-python-downloads"]
        done = subprocess.run(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=None if seen else subprocess.DEVNULL,
            stderr=None if seen else subprocess.PIPE,
            text=True,
            errors="replace",
            pass_fds=(lock,),
            check=False,
        )
        if done.returncode:
            reason = "uv's reason is above" if seen else uv_reason(done.stderr)
            raise Unavailable(
                f"The environment `{self.name}` cannot be installed ({reason}); see that the package index can be "
                "reached and the disk has room, then run the same command again."
            )


ENVIRONMENTS: dict[str, Environment] = {
    entry.name: entry
    for entry in (
        Environment(
            "converter",
            REQUIREMENTS_DIRECTORY / "converter.txt",
            ("tensorflow", "tensorflowjs", "ai-edge-litert", "tflite-micro", "keras", "tf-keras", "jax", "numpy"),
            serves="every conversion, and the target tflite/tensorflow",
            linux_x86_only=("tflite-micro", "tensorflow-decision-forests", "ydf"),
        ),
        Environment(
            "litert",
            REQUIREMENTS_DIRECTORY / "litert.txt",
            ("ai-edge-litert", "numpy"),
            python_versions=ENGINE_VERSIONS,
            serves="the targets tflite/litert-*",
        ),
        Environment(
            "quantizer",
            REQUIREMENTS_DIRECTORY / "quantizer.txt",
            ("ai-edge-quantizer", "ai-edge-litert", "numpy"),
            python_versions=ENGINE_VERSIONS,
            serves="the variants of TFLite that ai-edge-quantizer makes",
        ),
        Environment(
            "tflite-runtime",
            REQUIREMENTS_DIRECTORY / "tflite-runtime.txt",
            ("tflite-runtime", "numpy"),
            python_versions=("3.11",),
            serves="the target tflite/tflite-runtime",
        ),
        Environment(
            "tflite-micro",
            REQUIREMENTS_DIRECTORY / "tflite-micro.txt",
            ("tflite-micro", "numpy"),
            python_versions=ENGINE_VERSIONS,
            serves="the target tflm/host",
        ),
        Environment(
            "renode-test",
            REQUIREMENTS_DIRECTORY / "renode-test.txt",
            ("robotframework", "robotframework-retryfailed"),
            python_versions=ENGINE_VERSIONS,
            serves="the suites of `harness robot`",
        ),
        Environment(
            "zig",
            REQUIREMENTS_DIRECTORY / "zig.txt",
            ("ziglang",),
            python_versions=ENGINE_VERSIONS,
            serves="the targets mcu/*, which it compiles for",
        ),
    )
}


def environment(name: str) -> Environment:
    """The environment of that name. Raises `HarnessError` for one that does not exist."""
    try:
        return ENVIRONMENTS[name]
    except KeyError:
        known = ", ".join(sorted(ENVIRONMENTS))
        raise HarnessError(f"There is no environment `{name}`; name one of {known}.") from None


def without_packages(text: str, packages: Collection[str]) -> str:
    """A compiled requirement file without these packages. A pin begins at a line's start, its hashes are indented."""
    pins = re.split(r"(?m)^(?=[A-Za-z0-9])", text)
    return "".join(pin for pin in pins if not _PIN.match(pin) or _name_and_version(pin)[0] not in packages)


def _on_linux_x86() -> bool:
    system = os.uname()
    return (system.sysname, system.machine) == ("Linux", "x86_64")


def _interpreter(location: Path) -> Path:
    return location / "bin" / "python"


def _name_and_version(line: str) -> tuple[str, str]:
    match = _PIN.match(line)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match.group(1)).lower(), match.group(2)


def _applies(line: str, version: str) -> bool:
    """Whether a pin is meant for Python `version`. Compiled files split a pin by Python version and no finer; other
    markers name another system or implementation, where the version that is read is not wrong either."""
    for comparison, bound in re.findall(r"python_(?:full_)?version (<|>=) '([\d.]+)'", line):
        older = _numbers(version) < _numbers(bound)
        if older != (comparison == "<"):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
