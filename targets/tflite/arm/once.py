"""Making a folder once, whole or not at all, whoever else wants it at the same time."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.errors import Unavailable

_PARTIAL = ".partial-"


def make_once(location: Path, what: str, make: Callable[[Path, int], None]) -> None:
    """Put `what` at `location` unless it is there. `make(folder, lock)` fills an empty folder beside it, which is then
    renamed; children that it starts inherit `lock`. Raises `Unavailable`, and what `make` raises."""
    if location.is_dir():
        return
    try:
        location.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(location.with_name(f"{location.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Unavailable(
            f"{what} cannot be installed in {location.parent} ({error.strerror}); make it writable, or name another "
            "folder in HARNESS_ENVIRONMENTS."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if location.is_dir():
            return
        for abandoned in location.parent.glob(f"{location.name}{_PARTIAL}*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{location.name}{_PARTIAL}", dir=location.parent))
        try:
            print(f"Installing {what} …", file=sys.stderr, flush=True)
            made = partial / "made"
            made.mkdir()
            make(made, descriptor)
            made.rename(location)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    finally:
        os.close(descriptor)
