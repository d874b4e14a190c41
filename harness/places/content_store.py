"""Files that a place was sent, by their hash: verified when they arrive, the oldest dropped where they are too many."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from harness.cache import half_written, locked, sha256_file
from harness.errors import CaseError, Failed, Unavailable

MOST_BYTES = 20 * 2**30
"""Twenty gigabytes: the zoo with all its variants takes less than one."""
SHA256 = re.compile(r"[0-9a-f]{64}")
HALF_WRITTEN_SECONDS = 3600.0


class Dropped(FileNotFoundError):
    """The file with hash `digest` is not kept, or was not at that moment."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"{digest} is not kept any more")
        self.digest = digest


class ContentStore:
    """A folder of files named by the SHA-256 of their bytes. Several processes may use it at once."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.most_bytes = most_bytes

    def missing(self, digests: Iterable[str]) -> list[str]:
        """The hashes whose files are not kept here. The files that are kept count as used now."""
        found = []
        for digest in digests:
            try:
                os.utime(self._path(digest))
            except FileNotFoundError:
                found.append(digest)
        return found

    def receive(self, digest: str, sender: str, offset: int, total: int, content: bytes) -> None:
        """Write one part of a file, in the order of offsets; with the last one it is verified and kept.

        Args:
            sender: tells two senders of the same file apart.

        Raises `Failed` where its bytes are not those of its hash or the sender is no hash, `Unavailable` where the disk
        is full.
        """
        if not SHA256.fullmatch(sender):
            raise Failed(f"A file was sent to the place by somebody who is no engine ({digest[:12]}…).")
        whole = self._path(digest)
        part = self.folder / f".{digest}.{sender[:16]}"
        try:
            with self._where_there_is_room():
                self.folder.mkdir(parents=True, exist_ok=True)
                if offset == 0:
                    self._make_room(total)
                    part.write_bytes(b"")
                with part.open("r+b") as stream:
                    if stream.seek(0, os.SEEK_END) != offset:
                        raise Failed(f"A file arrived at the place in another order than it was sent ({digest[:12]}…).")
                    stream.write(content)
                if offset + len(content) < total:
                    return
                if sha256_file(part) != digest:
                    raise Failed(f"A file arrived at the place with other bytes than were sent ({digest[:12]}…).")
                part.replace(whole)
        except (OSError, CaseError):
            part.unlink(missing_ok=True)
            raise

    def keep(self, path: Path) -> str:
        """Keep a file that was made here and is moved; its hash. Raises `Unavailable` where the disk is full."""
        digest = sha256_file(path)
        with self._where_there_is_room():
            self._make_room(path.stat().st_size)
            path.replace(self._path(digest))
        return digest

    def part(self, digest: str, offset: int, count: int) -> bytes:
        """At most `count` bytes of a kept file, from `offset` on. Raises `Dropped`."""
        try:
            with self._path(digest).open("rb") as stream:
                stream.seek(offset)
                return stream.read(count)
        except FileNotFoundError as error:
            raise Dropped(digest) from error

    @contextmanager
    def _where_there_is_room(self) -> Iterator[None]:
        """Raises `Unavailable` where the disk is full."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Unavailable(f"The disk of the place is full at {self.folder}; free some of it.") from error
            raise

    @contextmanager
    def checked_out(self, files: Mapping[str, str]) -> Iterator[Path]:
        """A folder that holds files by name (`/` in it is a folder's), each with the bytes of a hash, for as long as
        this lasts. Raises `Dropped` where one is not kept any more."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with half_written(self.folder, "case") as folder:
            for name, digest in files.items():
                path = folder / inside(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                try:
                    _link_or_copy(self._path(digest), path)
                except FileNotFoundError as error:
                    raise Dropped(digest) from error
            yield folder

    def _path(self, digest: str) -> Path:
        if not SHA256.fullmatch(digest):
            raise Failed("A file's name is no hash.")
        return self.folder / digest

    def _make_room(self, coming: int) -> None:
        """Drop what was not used for longest, until `coming` bytes more fit; and what a killed sender left."""
        kept = []
        newest = 0.0
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):
                status = path.stat()
                newest = max(newest, status.st_mtime)
                kept.append((status.st_mtime, status.st_size, path))
        for modified, _, path in kept:
            if path.is_dir():
                with locked(path, wait=False) as free:
                    if free:
                        shutil.rmtree(path, ignore_errors=True)
            elif path.name.startswith(".") and modified < newest - HALF_WRITTEN_SECONDS:
                path.unlink(missing_ok=True)
        whole = sorted(one for one in kept if SHA256.fullmatch(one[2].name))
        total = sum(size for _, size, _ in whole)
        for _, size, path in whole:
            if total + coming <= self.most_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size


def _link_or_copy(kept: Path, path: Path) -> None:
    """Puts the kept file at `path` as well. It stays there if the kept file is dropped meanwhile."""
    try:
        os.link(kept, path)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(kept, path)


def inside(name: str) -> PurePosixPath:
    """A relative path that leads nowhere else. Raises `Failed`."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise Failed(f"A file of the artifact is called '{name}', which is no name inside a folder.")
    return path
