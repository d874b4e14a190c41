"""JavaScript bundles that a page loads: installed once by npm from pinned, hashed packages, kept by content."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import Unavailable, shortened
from harness.installation.once import install_once, print_line
from harness.installation.packages import install_line
from harness.paths import environments_directory

PINS = ("package.json", "package-lock.json")
INSTALL_SECONDS = 600

Run = Callable[[Sequence[str]], str]
"""A command in the folder of the installed packages; gives its standard output. Raises `Unavailable`."""


@dataclass(frozen=True)
class Bundle:
    """The files of one library that a page may load."""

    label: str
    """What people call the library."""
    name: str
    """The first part of the name of the folder that it is kept in."""
    pins: Path
    """The folder of `package.json` and `package-lock.json`."""
    main: str
    """The package whose version is the library's."""
    files: Mapping[str, Sequence[str]] = field(hash=False)
    """Package → what is kept of it, by paths below its folder."""
    decisive: Callable[[], Sequence[bytes]] = tuple
    """What else decides what is kept."""
    finish: Callable[[Path, Run], None] = lambda kept, run: None
    """Adds to the folder `kept`, or changes what is in it, before it is put into place."""

    def version(self, package: str = "") -> str:
        """The pinned version of the library, or of one of its packages."""
        pins: dict[str, str] = json.loads((self.pins / PINS[0]).read_text())["dependencies"]
        return pins[package or self.main]

    def digest(self) -> str:
        """Hash over the pins and over what is kept of the packages."""
        content = [(self.pins / name).read_bytes() for name in PINS]
        return hashlib.sha256(b"\0".join([*content, *self.decisive()])).hexdigest()[:16]

    def directory(self) -> Path:
        """Where the files are once installed."""
        return environments_directory() / f"{self.name}-{self.version()}-{self.digest()}"

    def installed(self) -> bool:
        """True where they are there; a directory is renamed into place only when it is whole."""
        return self.directory().is_dir()

    def missing(self) -> str:
        """What keeps them from being used or installed; empty if nothing."""
        if self.installed() or (shutil.which("npm") and shutil.which("node")):
            return ""
        return f"npm (Node.js), which installs the {self.label} bundles"

    def install(self) -> Path:
        """Install them unless they are there; returns their directory. Raises `Unavailable`."""
        install_once(self.directory(), self.label, self.installed, self._make)
        return self.directory()

    def _make(self, work: Path, lock: int) -> Path:
        """What is kept of the packages, made below the empty folder `work`."""
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None:
            raise Unavailable(f"{self.label} needs npm, which is not on PATH; install it with `{install_line('npm')}`.")
        print_line(f"Installing {self.label} {self.version()} …")
        for name in PINS:
            shutil.copyfile(self.pins / name, work / name)
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error")
        self._run([npm, "ci", *quiet], work, lock)
        kept = work / "kept"
        kept.mkdir()
        for package, paths in self.files.items():
            for path in paths:
                shutil.copyfile(work / "node_modules" / package / path, kept / Path(path).name)
        self.finish(kept, lambda command: self._run([node, *command], work, lock))
        return kept

    def _run(self, command: Sequence[str], folder: Path, lock: int) -> str:
        """Standard output of a command. Raises `Unavailable` with its last word where it fails."""
        what = f"`{Path(command[0]).name} {command[1] if len(command) < 3 else 'ci'}`"
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                stdin=subprocess.DEVNULL,
                pass_fds=(lock,),
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                f"{self.label}: {what} took more than {INSTALL_SECONDS} s; run `make setup` again."
            ) from error
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
            raise Unavailable(
                f"{self.label} could not be installed: {what} failed ({shortened(lines[0].strip(), 200)}); check that"
                " npm reaches its registry and run `make setup`."
            )
        return done.stdout
