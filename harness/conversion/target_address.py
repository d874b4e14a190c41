"""What of a target decides its answers: part of the address of whatever it is asked."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path

from harness import ragged
from harness.cache import sha256_tree
from harness.conversion.source import closure
from harness.target import Target

SHARED = Path(ragged.__file__)
"""What workers of every family take from the engine."""


@cache
def code_digest_of_files(*paths: Path) -> str:
    return sha256_tree(paths)


def code_of(target: Target) -> str:
    """Hash of the folder of a target's family, whose worker, page or firmware decide the figures, and of what it
    imports from other families."""
    module = Path(inspect.getfile(type(target)))
    return code_digest_of_files(family_folder(module, type(target).__module__), *imported_by(module), SHARED)


@cache
def imported_by(module: Path) -> tuple[Path, ...]:
    """The closure of a target's module: it is asked for at every step, and does not change while this process runs."""
    return tuple(closure(module))


def family_folder(module: Path, name: str) -> Path:
    """The folder right below the top package, in however deep a folder of its family a target's module is."""
    return module.parents[max(0, name.count(".") - 2)]


def answer_identity(target: Target) -> tuple[str, str, dict[str, str], str]:
    """All of a target that decides what it answers."""
    return target.name, target.format, target.fingerprint(), code_of(target)
