"""The code of a format's converter, as part of the address of what it gives."""

from __future__ import annotations

import functools
from pathlib import Path

from harness.cache import sha256_tree
from harness.conversion.source import closure
from harness.variant import Format


def code_digest(artifact_format: Format) -> str:
    """Hash of a format's converter, the modules that it imports by relative imports, and the scripts and pins beside
    it, which it starts or installs from."""
    return code_digest_of(artifact_format.converter)


@functools.cache
def code_digest_of(converter: Path) -> str:
    """The digest by path. It is asked for at every step, and does not change while this process runs."""
    started = (file for file in converter.parent.iterdir() if file.suffix in (".cjs", ".mjs", ".json"))
    return sha256_tree([*closure(converter), *started])
