"""Work side by side: threads, each of which waits for a process."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Protocol, TypeVar

from harness.errors import ANY_ERROR, CaseError, as_case_error
from harness.process.child import end_all
from harness.run.schedule import ScheduleStatus
from harness.store.record import Outcome

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Progress(Protocol):
    """Is given the progress of a run."""

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` steps begins."""

    def step(self, what: str) -> None:
        """One step of it is done."""

    def ended(self, case: str, outcome: Outcome, reason: str, *, final: bool) -> None:
        """Reports how a compared case stands, or one that could not be compared. Unless that is `final`, the case is
        compared with other runtimes before it is judged."""

    def update(self, status: ScheduleStatus) -> None:
        """Where it stands; called about once a second."""

    def note(self, text: str) -> None:
        """Something that a person should read."""


class SilentProgress:
    """Progress that nobody watches."""

    def stage(self, name: str, total: int) -> None:
        """Does nothing."""

    def step(self, what: str) -> None:
        """Does nothing."""

    def ended(self, case: str, outcome: Outcome, reason: str, *, final: bool) -> None:
        """Does nothing."""

    def update(self, status: ScheduleStatus) -> None:
        """Does nothing."""

    def note(self, text: str) -> None:
        """Does nothing."""


def side_by_side(
    name: str,
    keys: Iterable[Key],
    work: Callable[[Key], Value],
    workers: int,
    progress: Progress,
    *,
    done: Callable[[Key, Value | CaseError], None] = lambda key, result: None,
    lanes: Mapping[str, int] | None = None,
    lane_of: Callable[[Key], str] = lambda key: "",
) -> dict[Key, Value | CaseError]:
    """`work` on every key in a pool of threads (each waits for a process). Whatever one raises is its result, as a
    `CaseError`, and the others go on.

    `done` is told each result in the caller's thread, as soon as it is there. Where the caller is interrupted, it is
    still told what had ended by then, and what ends well in spite of it; what was stopped counts for nothing.

    Args:
        lanes: in place of `workers`: for each lane how many keys at once. What one lane has to do never waits for
            another's.
        lane_of: the lane of a key.
    """
    todo = list(keys)
    results: dict[Key, Value | CaseError] = {}
    progress.stage(name, len(todo))
    if not todo:
        return results

    def attempt(key: Key) -> Value | CaseError:
        try:
            return work(key)
        except ANY_ERROR as error:
            return as_case_error(error, name)

    def deliver(future: Future[Value | CaseError]) -> None:
        key = futures[future]
        if key not in results:
            results[key] = future.result()
            done(key, results[key])

    pools = {lane: ThreadPoolExecutor(min(count, len(todo))) for lane, count in (lanes or {"": workers}).items()}
    futures: dict[Future[Value | CaseError], Key] = {pools[lane_of(key)].submit(attempt, key): key for key in todo}

    def shutdown(*, wait: bool) -> None:
        for pool in pools.values():
            pool.shutdown(wait=wait, cancel_futures=True)

    try:
        for future in as_completed(futures):
            deliver(future)
            key = futures[future]
            progress.step(" ".join(key) if isinstance(key, tuple) else str(key))
    except BaseException:
        shutdown(wait=False)
        for future in filter(ended_well, futures):
            deliver(future)
        end_all()  # which frees the threads that wait for a child: what they then report counts for nothing
        shutdown(wait=True)
        for future in filter(ended_well, futures):
            if not isinstance(future.result(), CaseError):
                deliver(future)
        raise
    finally:
        shutdown(wait=True)
    return results


def ended_well(future: Future[Value]) -> bool:
    """Whether it has a result, and was neither cancelled nor interrupted."""
    return future.done() and not future.cancelled() and future.exception() is None
