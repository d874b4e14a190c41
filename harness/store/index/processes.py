"""Work in several processes at once, in the background of whatever else the machine does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from harness.errors import HarnessError

AHEAD = 2
"""Results a process may be ahead of who takes them: each waits in memory, and whoever ends waits for each."""

_Result = TypeVar("_Result")


def in_processes(
    processes: int, what: str, function: Callable[..., _Result], work: Iterable[tuple[Any, ...]]
) -> Iterator[_Result]:
    """`function` of each piece of `work` (its arguments), in the order of `work`. Raises `HarnessError` where a process
    was ended from outside; the sentence says `what` it did."""
    # `spawn`, as the process that asks may have threads (`harness serve`).
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin) as pool:
        waiting: deque[Future[_Result]] = deque()
        left = iter(work)
        try:
            while True:
                # No more than that: a program that ends, by Ctrl-C too, waits for all that was handed over.
                while len(waiting) < processes * AHEAD and (arguments := next(left, None)) is not None:
                    waiting.append(pool.submit(function, *arguments))
                if not waiting:
                    return
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise HarnessError(f"A process that {what} was ended from outside; run the same again.") from error
        finally:
            for future in waiting:  # who asked wants no more
                future.cancel()


def _begin() -> None:
    """A process ends when the one that asked was killed, which it would not notice otherwise; Ctrl-C is for the one
    that asked. It gives way to all else: somebody may be measuring on this machine."""
    if hasattr(os, "nice"):
        os.nice(19)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
