"""Turns between the processes that share a run's tests: many at once, or one that times something alone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """Tests of several processes run side by side, but for one that asks to be alone: it waits for those that run and
    holds up those that come. The system gives both locks free where a process dies."""

    def __init__(self, folder: Path) -> None:
        self._queue, self._running = folder / "queue.lock", folder / "running.lock"

    @contextmanager
    def take(self, *, alone: bool) -> Iterator[None]:
        """Hold a turn."""
        with _locked(self._running) as running:
            # Who waits to be alone stays at the head of the queue: without it the others would pass on and on.
            with _locked(self._queue) as queue:
                fcntl.flock(queue, fcntl.LOCK_EX)
                fcntl.flock(running, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """A file to lock, which is free again at the end."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
