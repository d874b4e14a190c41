"""Unpacking an archive that somebody else made, without leaving the folder that it is unpacked into."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path, PurePosixPath

LARGEST_BYTES = 1 << 30
"""Bytes that are unpacked at most: no release is so large, and a disk has an end."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a gzipped tar archive into the empty `folder`, without the one folder that everything in it is in.

    Raises `tarfile.TarError` for a member that would leave the folder (by its name, by a link, or through a link), for
    devices, and for more than `LARGEST_BYTES`. This is checked here, beside tarfile's own filter, which Python 3.11 has
    only since 3.11.4.
    """
    links: set[PurePosixPath] = set()
    total = 0
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            path = _stripped(member.name)
            if path is None:
                continue
            if member.issym():
                _inside(path.parent, member.linkname, member.name)
                links.add(path)
            elif member.islnk():
                inner = _stripped(member.linkname)
                if inner is None:
                    raise tarfile.TarError(f"{member.name} links to {member.linkname}, outside")
                member.linkname = str(inner)
            elif not (member.isreg() or member.isdir()):
                raise tarfile.TarError(f"{member.name} is neither a file nor a folder nor a link")
            if any(parent in links for parent in path.parents):
                raise tarfile.TarError(f"{member.name} lies behind a link")
            total += member.size
            if total > LARGEST_BYTES:
                raise tarfile.TarError(f"it holds more than {LARGEST_BYTES} bytes")
            member.name = str(path)
            # What is unpacked belongs to whoever unpacks it, and nobody else may write to it.
            member.mode = (member.mode & 0o755) | 0o600 | (0o100 if member.isdir() else 0)
            member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
            if hasattr(tarfile, "data_filter"):
                tar.extract(member, folder, filter="data")
            else:
                tar.extract(member, folder)


def _stripped(name: str) -> PurePosixPath | None:
    """`name` without its first part; None for that part itself. Raises `tarfile.TarError` where it climbs out."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise tarfile.TarError(f"{name} leads outside")
    return PurePosixPath(*path.parts[1:]) if len(path.parts) > 1 else None


def _inside(folder: PurePosixPath, link: str, name: str) -> None:
    depth = len(folder.parts)
    for part in PurePosixPath(link).parts:
        depth += -1 if part == ".." else 1
        if depth < 0 or part == "/":
            raise tarfile.TarError(f"{name} links to {link}, outside")
