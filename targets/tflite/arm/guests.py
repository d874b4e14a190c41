"""Emulated processes that stay warm: each serves one artifact after another, and starting one takes seconds."""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from harness.errors import CaseError
from harness.process.child import ChildProcess

_UNLOAD_SECONDS = 30.0


class Guests:
    """Those that nobody uses now, by what they run."""

    def __init__(self) -> None:
        self._idle: dict[Hashable, list[ChildProcess]] = {}
        self._guard = threading.Lock()
        atexit.register(self.release)

    @contextmanager
    def one(self, kind: Hashable, start: Callable[[], ChildProcess]) -> Iterator[ChildProcess]:
        """A guest of that kind to oneself: an idle one, or a new one. Afterwards it is kept if it is still good for
        another artifact. Raises what `start` raises."""
        guest = self._taken(kind) or start()
        try:
            yield guest
        except CaseError:  # the artifact's end, which the process outlives, or its own
            self._keep(kind, guest)
            raise
        except BaseException:
            guest.close()
            raise
        else:
            self._keep(kind, guest)

    def release(self, kind: Hashable = None) -> None:
        """End all idle guests, or those of a kind."""
        with self._guard:
            kinds = list(self._idle) if kind is None else [kind]
            ended = [guest for one in kinds for guest in self._idle.pop(one, [])]
        for guest in ended:
            guest.close()

    def _taken(self, kind: Hashable) -> ChildProcess | None:
        while True:
            with self._guard:
                guests = self._idle.get(kind)
                guest = guests.pop() if guests else None
            if guest is None or guest.alive():
                return guest
            guest.close()

    def _keep(self, kind: Hashable, guest: ChildProcess) -> None:
        with contextlib.suppress(CaseError):
            if guest.alive():
                guest.call("unload", seconds=_UNLOAD_SECONDS)
                with self._guard:
                    self._idle.setdefault(kind, []).append(guest)
                return
        guest.close()


GUESTS = Guests()
