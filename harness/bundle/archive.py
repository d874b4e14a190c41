"""The zip of a report: the same bytes whenever it is made, and nothing in it that says where."""

from __future__ import annotations

import getpass
import re
import socket
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness.errors import HarnessError
from harness.paths import cache_directory, environments_directory, home_directory, project_root

_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can hold."""
_AT_THE_BEGINNING = rb"(?<![A-Za-z0-9_.-])"
"""Where a path begins. A layer's name may have the name of such a folder in its middle, and is none."""
_LEAST_LENGTH = 4
"""Characters of a host's name that is looked for by itself: shorter ones are parts of words."""


def write_zip(folder: Path, path: Path) -> None:
    """Write every file of `folder` below a folder of the zip's name, in the order of their names, without their times.
    Raises `HarnessError` where that cannot be done, or a file tells where it was made."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    for file in files:
        check_anonymous(file.relative_to(folder).as_posix(), file.read_bytes())
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as stream:
            written = Path(stream.name)
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in files:
                    info = zipfile.ZipInfo(f"{path.stem}/{file.relative_to(folder).as_posix()}", _DATE)
                    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                    archive.writestr(info, file.read_bytes())
        written.chmod(0o644)
        written.replace(path)
    except OSError as error:
        raise HarnessError(f"The bundle cannot be written to {path} ({error.strerror}); name another file.") from error


def check_anonymous(name: str, content: bytes) -> None:
    """Raise `HarnessError` where a file holds a path, a host's or a user's name of this machine."""
    for what, secret in secrets():
        if re.search(secret, content):
            raise HarnessError(
                f"{name} holds {what}, which a report for strangers must not; nothing was written. Rename what is "
                "called so in the model."
            )


def secrets() -> Iterator[tuple[str, bytes]]:
    """Patterns of what must not be in a report, each with what it is. A user's name is looked for in paths: as a word
    it may be any; a host's as a whole word."""
    places = [project_root(), cache_directory(), environments_directory(), home_directory(), Path.cwd()]
    with suppress(RuntimeError):  # there may be no home
        places.append(Path.home())
    for folder in places:
        if len(folder.parts) > 1:
            yield "a path of this machine", _AT_THE_BEGINNING + re.escape(f"{folder}/".encode())
    yield "a path of this machine", re.escape(f"{tempfile.gettempdir()}/harness".encode())
    with suppress(KeyError, OSError):  # nor a user of that number
        for prefix in ("/home/", "/Users/", "\\Users\\"):
            yield "your user name", re.escape((prefix + getpass.getuser()).encode()) + rb"(?![A-Za-z0-9])"
    host = socket.gethostname()
    if len(host) >= _LEAST_LENGTH and host != "localhost":
        yield "this machine's name", rb"(?<![A-Za-z0-9])" + re.escape(host.encode()) + rb"(?![A-Za-z0-9])"
