"""Locks that let one process at a time use a machine for timing, with nothing of a place's other work beside it."""

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
    with _opened("turn") as turn, _opened() as machine:
        for descriptor in (turn, machine):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                note("Another run is timing on this machine; waiting for it to end.")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextmanager
def shared_machine() -> Iterator[None]:
    """Hold the machine for work that may run beside other such work but not beside a timing. If a timing waits, new
    work waits until it has ended; without the turn lock a stream of short works could block a timing forever."""
    with _opened("turn") as turn, _opened() as machine:
        fcntl.flock(turn, fcntl.LOCK_SH)
        fcntl.flock(machine, fcntl.LOCK_SH)
        fcntl.flock(turn, fcntl.LOCK_UN)
        yield


@contextmanager
def _opened(what: str = "") -> Iterator[int]:
    """A descriptor of the user's lock file of this machine; what it holds ends with it."""
    suffix = f"-{what}" if what else ""
    path = Path(tempfile.gettempdir()) / f"ml-runtime-harness-{os.getuid()}{suffix}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
