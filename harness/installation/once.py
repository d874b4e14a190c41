"""Installing something once, whole or not at all, whoever else wants it at the same time.

What is made appears under its name by a rename. A lock file beside it lets one process (and one thread of it) work at a
time; the system frees the lock when its last holder ends, however that comes about.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import Unavailable
from harness.paths import ENVIRONMENTS_VARIABLE, HOME_VARIABLE

PARTIAL = ".partial-"

_threads: dict[Path, threading.Lock] = {}
_threads_guard = threading.Lock()


def install_once(location: Path, what: str, ready: Callable[[], bool], make: Callable[[Path, int], Path]) -> None:
    """Put `what` at `location` unless `ready()` says that it is there.

    `make(folder, lock)` works in an empty folder beside `location` and returns the path of what is to be renamed. A
    child that it starts has to inherit the descriptor `lock`: killed alone, this process then leaves the lock held
    until the child has ended as well, so that nobody clears a folder that is still written to.
    Raises `Unavailable` where the folder cannot be written, and what `make` raises.
    """
    if ready():
        return
    with _one_sentence_for_the_disk(location, what):
        location.parent.mkdir(parents=True, exist_ok=True)
        with hold_lock(location.with_name(f"{location.name}.lock"), what) as lock:
            if ready():  # the one who held the lock before has installed it
                return
            for abandoned in location.parent.glob(f"{location.name}{PARTIAL}*"):
                shutil.rmtree(abandoned, ignore_errors=True)  # of a process that was killed: its lock is ours now
            partial = Path(tempfile.mkdtemp(prefix=f"{location.name}{PARTIAL}", dir=location.parent))
            try:
                made = make(partial, lock)
                if location.exists():
                    shutil.rmtree(location)  # there, and not ready: part of it is gone
                made.rename(location)
            finally:
                shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def hold_lock(path: Path, what: str) -> Iterator[int]:
    """Hold the lock file at `path`, in this thread alone; yields its descriptor. If another process holds it, a message
    says that it installs `what`; another thread of this process has printed its own message."""
    with _threads_guard:
        own = _threads.setdefault(path, threading.Lock())
    with own:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print_line(f"Another process is installing {what}: waiting for it …")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def print_line(line: str) -> None:
    """One line for a person, apart from a command's output."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _one_sentence_for_the_disk(location: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        remedy = "make room there" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "make it writable"
        raise Unavailable(
            f"{what[0].upper()}{what[1:]} cannot be installed in {location.parent} ({reason}); {remedy}, or name "
            f"another folder in {HOME_VARIABLE} or {ENVIRONMENTS_VARIABLE}."
        ) from error
