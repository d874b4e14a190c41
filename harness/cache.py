"""The artifact cache: folders addressed by the hash of all that decides their content.

An entry is written to a temporary folder and renamed, so a half-written one is never read. Every read checks the hash
of every file; a damaged entry is removed and made again. Who writes holds a lock on the temporary folder, which ends
with the process: a folder that is not locked was left by one that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.artifact import FileHash

MANIFEST = "manifest.json"


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """Hexadecimal SHA-256 of a JSON value in one canonical form."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sha256_tree(paths: Iterable[Path]) -> str:
    """Hash over contents of files, and of all files below folders, each by its name as seen from the folder that holds
    them all; for code, whose compiled form is passed over."""
    given = [path.absolute() for path in paths]
    root = Path(os.path.commonpath([path.parent for path in given]))
    found: dict[str, str] = {}
    for path in given:
        below = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        for file in below:
            if "__pycache__" not in file.relative_to(path).parts:
                found[file.relative_to(root).as_posix()] = sha256_file(file)
    return sha256_json(sorted(found.items()))


def hash_files(folder: Path) -> tuple[FileHash, ...]:
    """Every file below `folder` except its manifest, in the order of its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return tuple(
        FileHash(path=path.relative_to(folder).as_posix(), bytes=path.stat().st_size, sha256=sha256_file(path))
        for path in files
    )


@dataclass(frozen=True)
class Entry:
    """One entry: where it is, its files, and the facts that its maker wrote down."""

    folder: Path
    files: tuple[FileHash, ...]
    facts: dict[str, Any]

    @property
    def digest(self) -> str:
        """Hash over the names and hashes of all files: equal digests are equal bytes."""
        return sha256_json([(file.path, file.sha256) for file in self.files])


class Cache:
    """Entries of several kinds (`prepared`, `converted`, `reference`, …) below one root."""

    def __init__(self, root: Path, warn: Callable[[str], None] = lambda _: None) -> None:
        self.root = root
        self.warn = warn

    def find(self, kind: str, key: str) -> Entry | None:
        """The entry, checked byte for byte; None where there is none or where it was damaged (it is then removed)."""
        folder = self.root / kind / key
        try:
            manifest = json.loads((folder / MANIFEST).read_text())
            files = tuple(FileHash(**file) for file in manifest["files"])
            for file in files:
                path = folder / file.path
                if path.stat().st_size != file.bytes or sha256_file(path) != file.sha256:
                    raise ValueError(f"{file.path} has changed since it was written")
        except FileNotFoundError as error:
            if not folder.exists():
                return None
            problem = f"{Path(str(error.filename)).name} is missing"
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = str(error)
        else:
            return Entry(folder, files, manifest["facts"])
        self.warn(f"The cached {kind} entry {key[:12]} is damaged ({problem}); it is made again.")
        shutil.rmtree(folder, ignore_errors=True)
        return None

    def make(self, kind: str, key: str, write: Callable[[Path], dict[str, Any]]) -> Entry:
        """Have `write` fill a temporary folder and return its facts (JSON), then put it in place in one step."""
        parent = self.root / kind
        parent.mkdir(parents=True, exist_ok=True)
        with half_written(parent, key) as temporary:
            facts = write(temporary)
            files = hash_files(temporary)
            manifest = {"key": key, "facts": facts, "files": [file.model_dump() for file in files]}
            with (temporary / MANIFEST).open("w") as stream:
                json.dump(manifest, stream, indent=1)
                stream.flush()
                os.fsync(stream.fileno())
            try:
                temporary.rename(parent / key)
            except OSError:  # another process was first: its entry is as good, and not always of the same bytes
                found = self.find(kind, key)
                if found is None:
                    raise
                return found
            return Entry(parent / key, files, facts)

    def sweep(self) -> None:
        """Remove the half-written folders of processes that were killed; those of living ones stay."""
        for abandoned in self.root.glob("*/.*-*"):
            with locked(abandoned.parent, wait=True), locked(abandoned, wait=False) as free:
                if free:
                    shutil.rmtree(abandoned, ignore_errors=True)


@contextmanager
def half_written(parent: Path, key: str) -> Iterator[Path]:
    """A new folder to write an entry into, locked meanwhile, and gone afterwards where it was not renamed."""
    with contextlib.ExitStack() as stack:
        with locked(parent, wait=True):  # nobody sweeps between its making and its lock
            temporary = Path(tempfile.mkdtemp(prefix=f".{key[:12]}-", dir=parent))
            stack.enter_context(locked(temporary, wait=False))
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def locked(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a folder's lock; whether it could be had. Where a file system has no locks it never can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # it was renamed or swept by then
        yield False
        return
    try:
        held = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held = False
        yield held
    finally:
        os.close(descriptor)
