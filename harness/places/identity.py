"""What a place has to have in common with the engine: the same harness on the same Python."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness import __version__
from harness.cache import sha256_tree


class HarnessIdentity(BaseModel):
    """Version, hash of all the code that measures, and Python."""

    model_config = ConfigDict(frozen=True)

    version: str
    source: str
    python: str

    @property
    def minor(self) -> str:
        """`3.11`."""
        return ".".join(self.python.split(".")[:2])


@cache
def own_identity() -> HarnessIdentity:
    """The identity of this process's harness."""
    packages = {"harness", *(point.value.partition(".")[0] for point in entry_points(group="harness.targets"))}
    # The folder of a package is called otherwise in a checkout than where it is installed.
    hashes = [
        (name, sha256_tree(path for path in folder.iterdir() if path.name != "__pycache__"))
        for name in sorted(packages)
        if (folder := _folder(name)) is not None
    ]
    source = hashlib.sha256(repr(hashes).encode()).hexdigest()
    return HarnessIdentity(version=__version__, source=source, python=platform.python_version())


def _folder(package: str) -> Path | None:
    spec = find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None


def difference(engine: HarnessIdentity, place: HarnessIdentity) -> str:
    """What is not the same, with both sides named; empty where a place may measure for the engine."""
    if engine.version != place.version:
        return f"it has harness {place.version}, and this machine {engine.version}"
    if engine.minor != place.minor:
        return f"it has Python {place.python}, and this machine {engine.python}"
    if engine.source != place.source:
        return (
            f"both have harness {engine.version}, and its code differs (sha256 {place.source[:12]}… there, "
            f"{engine.source[:12]}… here)"
        )
    return ""
