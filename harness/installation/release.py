"""An official release of a program: fetched from its address, checked before it is unpacked, kept once a machine."""

from __future__ import annotations

import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from harness.errors import Unavailable
from harness.installation.attempts import FailureMemory
from harness.installation.once import install_once, print_line
from harness.paths import environments_directory


@dataclass(frozen=True)
class Release:
    """A gzipped tar archive with one folder in it, whose content becomes the release's place."""

    name: str
    """What people call it, with its version."""
    url: str
    sha256: str
    program: str
    """Path of its program in the place."""
    archive_variable: str
    """The environment variable that names an archive which is already there; its sum has to be the same."""

    def location(self) -> Path:
        """Where it is once installed."""
        return environments_directory() / f"{self.name.lower().replace(' ', '-')}-{self.sha256[:16]}"

    def ready(self) -> bool:
        """True where it is installed."""
        return (self.location() / self.program).is_file()

    def failure(self) -> str | None:
        """Why it could not be fetched within the hour; None where it is to be tried."""
        return self._attempt().failure()

    def install(self) -> Path:
        """Install it unless it is there; returns its place. Raises `Unavailable`. What could not be fetched is not
        tried again within the hour."""
        install_once(self.location(), self.name, self.ready, self._make)
        return self.location()

    def _attempt(self) -> FailureMemory:
        return FailureMemory(f"{self.name.lower().replace(' ', '-')}-{self.sha256[:8]}", (self.archive_variable,))

    def _make(self, folder: Path, lock: int) -> Path:
        del lock  # no child is started
        from harness.installation.download import NotFetched, copy, download  # not at every start of the command
        from harness.installation.unpacking import unpack

        attempt = self._attempt()
        if known := attempt.failure():
            raise Unavailable(f"{self.name} cannot be fetched: {known}.")
        archive = folder / "archive.tar.gz"
        named = os.environ.get(self.archive_variable)
        try:
            if named:
                copy(Path(named).expanduser(), archive, self.sha256)
            else:
                print_line(f"Fetching {self.name} from {self.url} …")
                download(self.url, archive, self.sha256)
            made = folder / "unpacked"
            made.mkdir()
            try:
                unpack(archive, made)
            except (tarfile.TarError, EOFError) as error:
                raise NotFetched(f"its archive cannot be unpacked: {error}") from error
            if not (made / self.program).is_file():
                raise NotFetched(f"its archive holds no {self.program}")
        except NotFetched as error:
            if named:
                raise Unavailable(f"{self.name} cannot be installed from {named}: {error}.") from error
            attempt.failed(str(error))
            raise Unavailable(f"{self.name} cannot be fetched from {self.url}: {error}.") from error
        archive.unlink()
        attempt.forget_failure()
        return made
