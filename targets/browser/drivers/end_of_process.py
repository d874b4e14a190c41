"""Telling that a process ended, at once and whoever started it, at no cost while it runs."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable


def call_at_end(process: int, then: Callable[[], None]) -> None:
    """Call `then`, in a thread of its own, once the process with that number ended; at once if it has. Does nothing
    where the system or this Python cannot tell (before Linux 5.3, or built for such)."""
    if not hasattr(os, "pidfd_open"):
        return
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        then()
        return
    except OSError:
        return

    def wait() -> None:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll()
        os.close(descriptor)
        then()

    threading.Thread(target=wait, daemon=True).start()
