"""What is slow to start and outlives a session: a browser, an emulated interpreter.

A session borrows one and gives it back. Whatever breaks it costs the session that had it and no other: what is no
longer usable is ended, and the next session starts a new one. Nothing outlives the engine's own work: it calls
`end_warm` when a run is over, and the interpreter does so at its end.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Resource = TypeVar("Resource")

_POOLS: weakref.WeakSet[WarmPool] = weakref.WeakSet()  # type: ignore[type-arg]


class WarmPool(Generic[Key, Resource]):
    """Resources of one kind, idle ones kept by their key.

    `start` makes the resource of a key, as a context manager whose exit ends it. `usable` says whether one that was
    given back can serve another session.
    """

    def __init__(
        self, start: Callable[[Key], AbstractContextManager[Resource]], usable: Callable[[Resource], bool]
    ) -> None:
        self._start = start
        self._usable = usable
        self._idle: dict[Key, list[tuple[Resource, ExitStack]]] = {}
        self._lock = threading.Lock()
        _POOLS.add(self)

    @contextmanager
    def borrowed(self, key: Key) -> Iterator[Resource]:
        """An idle resource of that key, or a new one; nobody else has it meanwhile. Raises what `start` raises."""
        resource, ending = self._take(key)
        try:
            yield resource
        finally:
            if self._usable(resource):
                with self._lock:
                    self._idle.setdefault(key, []).append((resource, ending))
            else:
                ending.close()

    def close(self, key: Key | None = None) -> None:
        """End every idle resource, or those of one key. Those that are borrowed stay; given back, they wait for the
        next call."""
        with self._lock:
            if key is None:
                idle, self._idle = self._idle, {}
            else:
                idle = {key: self._idle.pop(key, [])}
        with ExitStack() as endings:  # each is ended, whatever ending another raises
            for kept in idle.values():
                for _, ending in kept:
                    endings.callback(ending.close)

    def _take(self, key: Key) -> tuple[Resource, ExitStack]:
        while True:
            with self._lock:
                kept = self._idle.get(key)
                found = kept.pop() if kept else None
            if found is None:
                ending = ExitStack()
                return ending.enter_context(self._start(key)), ending
            if self._usable(found[0]):
                return found
            found[1].close()


def end_warm() -> None:
    """End every idle resource of every pool."""
    for pool in list(_POOLS):
        pool.close()


@atexit.register
def _end_at_exit() -> None:
    with contextlib.suppress(Exception):
        end_warm()
