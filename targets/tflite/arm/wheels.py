"""A runtime's aarch64 wheels, from the same pinned, hashed requirement file as on this machine."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.environment import Environment
from harness.errors import Unavailable
from harness.installation.interpreter import find_uv, uv_reason
from harness.installation.once import install_once, print_line

from .sysroot import SYSROOT, Sysroot

PLATFORM = "aarch64-manylinux_2_36"
"""Debian 12's C library; a wheel for an older one serves as well."""


@dataclass(frozen=True)
class Wheels:
    """`environment` is the one that the runtime has on this machine; here it is a virtual environment of the sysroot's
    Python, with the same versions."""

    environment: Environment
    sysroot: Sysroot = SYSROOT

    def ready(self) -> bool:
        return self.sysroot.ready() and self._location().is_dir()

    def python(self) -> Path:
        """Path of its interpreter, an aarch64 program. Installs what is not there. Raises `Unavailable`."""
        self.sysroot.make()
        location = self._location()
        install_once(location, f"`{self.environment.name}` for arm64", location.is_dir, self._install)
        return location / "bin" / "python"

    def digest(self) -> str:
        """Identifies what is pinned."""
        return hashlib.sha256(f"{PLATFORM}\n{self._requirements()}".encode()).hexdigest()

    def versions(self) -> dict[str, str]:
        """Version of each main package: as installed, or else as pinned for this machine."""
        pinned = self.environment.versions()
        if not self.ready():
            return pinned
        found = (re.fullmatch(r"(.+)-([^-]+)\.dist-info", path.name) for path in self._packages().glob("*.dist-info"))
        installed = {re.sub(r"[-_.]+", "-", name[1]).lower(): name[2] for name in found if name}
        return {name: installed.get(name, version) for name, version in pinned.items()}

    def _requirements(self) -> str:
        file = self.environment.requirements
        return file.read_text(encoding="utf-8") if file else "".join(f"{pin}\n" for pin in self.environment.pins)

    def _location(self) -> Path:
        sysroot = self.sysroot.location()
        key = hashlib.sha256(f"{sysroot.name}\n{self.digest()}".encode()).hexdigest()[:16]
        return sysroot.with_name(f"arm64-{self.environment.name}-{key}")

    def _packages(self) -> Path:
        return self._location() / "lib" / f"python{self.sysroot.python_version()}" / "site-packages"

    def _install(self, partial: Path, lock: int) -> Path:
        print_line(f"Installing `{self.environment.name}` for arm64 …")
        folder = partial / "made"
        folder.mkdir()
        version = self.sysroot.python_version()
        packages = folder / "lib" / f"python{version}" / "site-packages"
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(self.sysroot.python())
        (folder / "pyvenv.cfg").write_text(
            f"home = {self.sysroot.python().parent}\ninclude-system-site-packages = false\nversion = {version}\n"
        )
        requirements = folder / "requirements.txt"
        requirements.write_text(self._requirements(), encoding="utf-8")
        command = [
            *(find_uv(), "pip", "install", "--quiet", "--target", str(packages), "--no-build", "--no-python-downloads"),
            *("--python-platform", PLATFORM, "--python-version", version, "--requirements", str(requirements)),
            *(("--require-hashes",) if self.environment.requirements else ()),
        ]
        environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}}
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            pass_fds=(lock,),
            check=False,
        )
        if done.returncode:
            raise Unavailable(
                f"`{self.environment.name}` cannot be installed for arm64 ({uv_reason(done.stderr)}); see that "
                "the package index can be reached and the disk has room, then run the same command again."
            )
        return folder
