"""A lock that lets one process at a time use a machine for timing."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive_machine(note: Callable[[str], None]) -> Iterator[None]:
    """Hold this machine's timing lock; says so once where another process holds it. The system frees it at exit."""
    path = Path(tempfile.gettempdir()) / f"ml-runtime-harness-{os.getuid()}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("Another run is timing on this machine; waiting for it to end.")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
