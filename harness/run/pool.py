"""Work side by side: threads, each of which waits for a process."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Protocol, TypeVar

from harness.errors import CaseError
from harness.process.child import end_all

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Progress(Protocol):
    """Who is told how far a run is."""

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` steps begins."""

    def step(self, what: str) -> None:
        """One step of it is done."""

    def note(self, text: str) -> None:
        """Something that a person should read."""


def side_by_side(
    name: str, keys: Iterable[Key], work: Callable[[Key], Value], workers: int, progress: Progress
) -> dict[Key, Value | CaseError]:
    """`work` on every key in a pool of threads (each waits for a process); the errors of a case are values."""
    todo = list(keys)
    results: dict[Key, Value | CaseError] = {}
    progress.stage(name, len(todo))
    if not todo:
        return results
    pool = ThreadPoolExecutor(min(workers, len(todo)))
    try:
        futures: dict[Future[Value], Key] = {pool.submit(work, key): key for key in todo}
        for future in as_completed(futures):
            key = futures[future]
            try:
                results[key] = future.result()
            except CaseError as error:
                results[key] = error
            progress.step(" ".join(key) if isinstance(key, tuple) else str(key))
    except BaseException:
        # Ending the children frees the threads that wait for them; what they then report counts for nothing.
        pool.shutdown(wait=False, cancel_futures=True)
        end_all()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return results
