"""What loading a source opened, as this process sees it: each file's hash, by its name as seen from the model.

Runs in the converter's environment only. The engine says beforehand what a named model needs; this is said afterwards,
of what was there when it was loaded, and the two are compared.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def opened(source: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of each file that loading `source` (a request of the engine's) opened."""
    path, kind = Path(source["path"]), source["kind"]
    if kind in ("entry_point", "zoo"):
        root = path if kind == "entry_point" else path.parent
        return {Path(os.path.relpath(file, root)).as_posix(): digest(file) for file in imported(root)}
    if kind == "tfjs":
        groups = json.loads(path.read_bytes())["weightsManifest"]
        names = {posixpath.normpath(name) for group in groups for name in group["paths"]}
        return {name: digest(path.parent / name) for name in (path.name, *sorted(names))}
    if path.is_dir():
        files = (Path(place, name) for place, _, names in os.walk(path, followlinks=True) for name in names)
        return {file.relative_to(path).as_posix(): digest(file) for file in files}
    return {path.name: digest(path)}


def imported(root: Path) -> Iterator[Path]:
    """The files of the modules that were imported from below `root`."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and Path(file).is_relative_to(root):
            yield Path(file)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
