"""A lock that tells when as many threads as a test has want it: all have then come to what it protects."""

from __future__ import annotations

import threading


class AnnouncedLock:
    """Takes the place of a `threading.Lock` that is used in `with`. Whoever holds it can wait for `all_want_it`."""

    def __init__(self, threads: int) -> None:
        self._lock, self._count = threading.Lock(), threading.Lock()
        self._missing = threads
        self.all_want_it = threading.Event()

    def __enter__(self) -> None:
        with self._count:
            self._missing -= 1
            if self._missing == 0:
                self.all_want_it.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
