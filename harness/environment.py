"""Isolated Python environments for converters and runtimes, from pinned, hashed requirement files.

An environment is addressed by the hash of its requirement file and Python version; it is made on first use in a
temporary folder next to its place and renamed, so a half-made one is never used.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, Unavailable, shortened
from harness.paths import environments_directory

REQUIREMENTS_DIRECTORY = Path(__file__).parent / "requirements"

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\,]+)")
_PARTIAL = ".partial-"


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
        if not self.ready():
            location.parent.mkdir(parents=True, exist_ok=True)
            with _locked(location.with_name(f"{location.name}.lock"), self.name) as lock:
                if not self.ready():  # the one who held the lock before may have installed it
                    self._install(location, lock)
        return _interpreter(location)

    def digest(self) -> str:
        """Identifies what is installed: the hash of the requirements and the Python version."""
        return hashlib.sha256(f"python {self._python_version()}\n{self._text()}".encode()).hexdigest()

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
            return self.requirements.read_text(encoding="utf-8")
        except OSError as error:
            raise Unavailable(
                f"The requirement file {self.requirements} of the environment `{self.name}` cannot be read "
                f"({error.strerror}); install the harness again."
            ) from error

    def _python_version(self) -> str:
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        return own if own in self.python_versions else self.python_versions[0]

    def _location(self) -> Path:
        return environments_directory() / f"{self.name}-{self.digest()[:16]}"

    def _install(self, location: Path, lock: int) -> None:
        for abandoned in location.parent.glob(f"{location.name}{_PARTIAL}*"):
            shutil.rmtree(abandoned, ignore_errors=True)  # of a process that was killed: its lock is ours now
        base = _base_interpreter(self._python_version(), self.name)
        named = ", ".join(f"{package} {version}" for package, version in list(self.versions().items())[:6])
        _tell(f"Installing the environment `{self.name}` ({named}) …")
        began = time.monotonic()
        partial = Path(tempfile.mkdtemp(prefix=f"{location.name}{_PARTIAL}", dir=location.parent))
        try:
            requirements = partial / "requirements.txt"
            made = partial / "environment"
            requirements.write_text(self._text(), encoding="utf-8")
            # Relocatable, because it is renamed once it is whole: no script in it may name the folder it was made in.
            self._uv(["venv", "--quiet", "--relocatable", "--python", str(base), str(made)], lock)
            hashes = ["--require-hashes"] if self.requirements is not None else []
            python = str(_interpreter(made))
            self._uv(["pip", "install", "--python", python, *hashes, "--requirements", str(requirements)], lock)
            requirements.rename(made / "requirements.txt")
            if location.exists():
                shutil.rmtree(location)  # the interpreter that it was made from is gone
            made.rename(location)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        _tell(f"Installed the environment `{self.name}` in {time.monotonic() - began:.1f} s.")

    def _uv(self, arguments: list[str], lock: int) -> None:
        """Run uv. It inherits the lock: killed alone, this process leaves it held until uv has ended as well, so that
        nobody clears a folder that uv still writes to."""
        # A person at a terminal sees uv's own progress, unless something else is drawing there.
        terminal = sys.__stderr__
        seen = terminal is not None and terminal is sys.stderr and terminal.isatty()
        variables = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}}
        command = [_find_uv(), *arguments, "--no-python-downloads"]
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
            reason = "uv's reason is above" if seen else _reason(done.stderr)
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
        ),
        Environment("litert", REQUIREMENTS_DIRECTORY / "litert.txt", ("ai-edge-litert", "numpy")),
        Environment(
            "tflite-runtime",
            REQUIREMENTS_DIRECTORY / "tflite-runtime.txt",
            ("tflite-runtime", "numpy"),
            python_versions=("3.11",),
        ),
        Environment("tflite-micro", REQUIREMENTS_DIRECTORY / "tflite-micro.txt", ("tflite-micro", "numpy")),
        Environment("zig", REQUIREMENTS_DIRECTORY / "zig.txt", ("ziglang",)),
    )
}


def environment(name: str) -> Environment:
    """The environment of that name. Raises `HarnessError` for one that does not exist."""
    try:
        return ENVIRONMENTS[name]
    except KeyError:
        known = ", ".join(sorted(ENVIRONMENTS))
        raise HarnessError(f"There is no environment `{name}`; name one of {known}.") from None


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


def _base_interpreter(version: str, name: str) -> Path:
    """An installed Python `version`: the one that the engine's own environment was made from, else one on PATH."""
    own = Path(sys.base_prefix) / "bin" / f"python{version}"
    found = shutil.which(f"python{version}")
    for candidate in (own, Path(found) if found else None):
        if candidate is not None and candidate.is_file() and _is_version(candidate, version):
            return candidate
    raise Unavailable(
        f"The environment `{name}` needs Python {version}, which is not on PATH; install it "
        f"(`apt-get install python{version}` on Debian) and run the same command again."
    )


def _is_version(python: Path, version: str) -> bool:
    """Version managers put launchers on PATH for versions that they then refuse to start: ask."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        asked = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and asked.stdout.strip() == version


def _find_uv() -> str:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise Unavailable("uv, which installs environments, is not there; install it with `pip install uv`.")
    return found


def _reason(output: str) -> str:
    """What uv has to say, in one line and without its drawing."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).strip(" \t│├─▶╰×") for line in output.splitlines()]
    errors = [line for line in lines if line and not line.startswith(("Resolved", "Prepared", "Using", "Downloading"))]
    text = " ".join(errors).rstrip(".")
    return f"uv: {shortened(text, 400)}" if text else "uv gave no reason"


@contextmanager
def _locked(path: Path, name: str) -> Iterator[int]:
    """Hold the lock file at `path`. The system lets go of it when its last holder ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _tell(f"Another process is installing the environment `{name}`: waiting for it …")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
