"""The converter's child processes: a few for each environment, started when first needed, replaced when they die."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness import registry
from harness.environment import Environment
from harness.errors import CaseError, Crashed, TimedOut
from harness.process.child import ChildProcess

WORKER = Path(__file__).with_name("worker.py")
REWRITING_WORKER = Path(__file__).with_name("rewriting_worker.py")
VARIABLES = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    # Large pages, where the system gives them: the kernel cleared the weights' memory in small ones for a third of the
    # processor's time of a model of 100 MB. glibc 2.35; others pass over it.
    "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"),
}


class Children:
    """Lends one child at a time to a thread; at most `workers` of an environment are at work. Thread-safe."""

    def __init__(self, workers: int, start_seconds: float) -> None:
        self._workers = workers
        self._start_seconds = start_seconds
        self._pools: dict[str, queue.LifoQueue[ChildProcess | None]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """End every child process, once whoever has one has given it back."""
        for slots in self._pools.values():
            for _ in range(self._workers):
                child = slots.get()
                if child is not None:
                    child.close()
                slots.put(None)

    def end_idle(self) -> None:
        """End every child process that nobody has."""
        for slots in list(self._pools.values()):
            found: list[ChildProcess | None] = []
            with suppress(queue.Empty):
                while True:
                    found.append(slots.get_nowait())
            for child in found:
                if child is not None:
                    child.close()
                slots.put(None)

    @contextmanager
    def lend(self, environment: Environment, worker: Path = WORKER) -> Iterator[ChildProcess]:
        """A child of that environment that serves what `worker` does, given back at the end; one that died, or may not
        be whole, is ended. An environment has one worker."""
        slots = self._pool(environment)
        child = slots.get()
        try:
            if child is None:
                child = self._start(environment, worker)
            yield child
        except (Crashed, TimedOut):
            if child is not None and not child.alive():
                child.close()
                child = None
            raise
        except BaseException as error:
            if not isinstance(error, CaseError) and child is not None:
                child.close()
                child = None
            raise
        finally:
            slots.put(child)

    @contextmanager
    def another_after(self, seconds: float, environment: Environment) -> Iterator[None]:
        """If the enclosed work takes longer than `seconds`, start one more child in a free slot. Whoever needs a
        child next finds it, or waits for the rest of its start."""
        timer = threading.Timer(seconds, self._start_ahead, [environment])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _start_ahead(self, environment: Environment) -> None:
        slots = self._pool(environment)
        try:
            child = slots.get_nowait()
        except queue.Empty:
            return
        try:
            with suppress(CaseError):  # whoever needs one is told
                child = child or self._start(environment, WORKER)
        finally:
            slots.put(child)

    def _pool(self, environment: Environment) -> queue.LifoQueue[ChildProcess | None]:
        """The slots of one environment; empty ones are filled when first needed."""
        with self._lock:
            if environment.digest() not in self._pools:
                slots: queue.LifoQueue[ChildProcess | None] = queue.LifoQueue()
                for _ in range(self._workers):
                    slots.put(None)
                self._pools[environment.digest()] = slots
            return self._pools[environment.digest()]

    def _start(self, environment: Environment, worker: Path) -> ChildProcess:
        zoos = {name for _, name, _ in registry.zoo().values()}
        return ChildProcess(
            "the converter" if worker is WORKER else f"the {environment.name}",
            environment.python(),
            worker,
            packages={name: Path(registry.package_folder(name)) for name in ("harness", *sorted(zoos))},
            environment=VARIABLES,
            start_seconds=self._start_seconds,
        )
