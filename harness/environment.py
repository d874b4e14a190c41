"""Isolated Python environments for converters and runtimes, from pinned, hashed requirement files.

An environment is addressed by the hash of its requirement file and Python version; it is made on first use in a
temporary folder next to its place and renamed, so a half-made one is never used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """`requirements` is a pinned requirement file with hashes; `name` is what people call it."""

    name: str
    requirements: Path

    def ready(self) -> bool:
        """True where the environment is already installed."""
        raise NotImplementedError

    def python(self) -> Path:
        """Path of its interpreter; installs the environment first where needed. Raises `Unavailable`."""
        raise NotImplementedError
