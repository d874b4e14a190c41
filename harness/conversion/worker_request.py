"""An operation of the converter's worker as plain data and files, so that another machine can do it; and what that
machine must have in common with this one, so that what it makes is what would have been made here."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from harness.address import files_below
from harness.cache import sha256_json
from harness.conversion.children import VARIABLES
from harness.variant import Format

DECISIVE_FIELDS = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags", "Features")
DECISIVE_FIELDS_ARM = ("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision")
"""Lines of /proc/cpuinfo by which TensorFlow, Eigen and XNNPACK choose their kernels, which round differently."""


@dataclass(frozen=True)
class InputFiles:
    """Files that an operation reads, by their names below `root`; `entry` is what it is told of."""

    root: Path
    entry: str
    files: Mapping[str, Path]

    @classmethod
    def of(cls, path: Path) -> InputFiles:
        """A file, or a folder with all that is in it. Raises `OSError`."""
        below = files_below(path)
        names = {f"{path.name}/{name}": file for name, file in below.items()} if path.is_dir() else below
        return cls(path.parent, path.name, names)

    @property
    def path(self) -> Path:
        return self.root / self.entry


@dataclass(frozen=True)
class WorkerRequest:
    """One operation of the converter's worker. A name with a dot (`source.path`) is a field of an option."""

    name: str
    timeout_seconds: float
    """Limit in seconds."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """JSON values."""
    reads: Mapping[str, InputFiles] = field(default_factory=dict)
    writes: Mapping[str, Path] = field(default_factory=dict)
    """What it fills: a folder that is there, or a file that is not."""
    formats: Mapping[str, Format] = field(default_factory=dict)
    """Formats whose converter it is given: their code never travels."""
    zoo: tuple[str, str] = ("", "")
    """Name and identity of the zoo's model that `source` is; its code never travels either."""
    local_only: bool = False
    """Whether it hangs on something that only this machine has: a project's own code, a library, a program."""

    def arguments(self) -> dict[str, Any]:
        """The arguments that the worker on this machine gets."""
        found = dict(self.options)
        for name, read in self.reads.items():
            put(found, name, str(read.path))
        for name, path in self.writes.items():
            put(found, name, str(path))
        for name, artifact_format in self.formats.items():
            put(found, name, str(artifact_format.converter))
        return found


def put(options: dict[str, Any], name: str, value: Any) -> None:
    """Set an option, or a field of one (`source.path`)."""
    outer, dot, inner = name.partition(".")
    options[outer] = {**options[outer], inner: value} if dot else value


class RemoteConverter(Protocol):
    """A machine that can do an operation."""

    def convert(self, operation: WorkerRequest, identity: str) -> dict[str, Any] | None:
        """The worker's answer, with what it wrote in place; None where that did not come about, for whatever reason:
        then nothing is written. `identity`: what that machine must have in common with this one."""


def identity_of(code: str) -> str:
    """Hash of all that decides what an operation gives beside its request. `code`: of the environment and the files
    that run in it."""
    return sha256_json([code, VARIABLES, _machine()])


@cache
def _machine() -> list[Any]:
    """The system, its C library, and the processor as far as kernels are chosen by it; how many cores share a sum."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
        lines = [line.partition(":") for line in first.splitlines()]
        known = {name.strip(): value.strip() for name, _, value in lines}
        processor = [known.get(name, "") for name in (*DECISIVE_FIELDS, *DECISIVE_FIELDS_ARM)]
    except OSError:
        processor = [platform.processor()]
    return [platform.system(), platform.machine(), *platform.libc_ver(), os.cpu_count(), processor]
