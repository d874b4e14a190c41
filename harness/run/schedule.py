"""Work that stands on other work, side by side: which step goes next, and which waits.

A step is ready once everything that it needs is there. Of those that are ready the one of the lowest rank goes first,
and among equals the one that is expected to be cheapest: a run's first results are there after seconds, and what hangs
on one slow step never holds up what does not. Slow steps never take the last worker while quick ones are still to come.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.errors import ANY_ERROR, CaseError, as_case_error
from harness.run.order import SLOW as SLOW
from harness.run.order import ReadyQueue


@dataclass(frozen=True)
class ScheduledStep:
    """One piece of work: a thread calls `work`, which waits for a process."""

    key: Hashable
    doing: str
    """Text for people: `Converting resnet as int8`."""
    work: Callable[[], Any]
    needs: tuple[Hashable, ...] = ()
    """Keys of other steps. Where one of them ends in an error, this step ends in the same error and is not started."""
    rank: int = 0
    """Lower goes first, whatever it costs."""
    seconds: float = 0.0
    """How long it is expected to take, for the order and for the time that is left."""
    slot: str = ""
    """Steps of one slot share its limit."""
    stage: str = ""
    """Stage that messages name as the source of an unforeseen error, where it is not `doing`: the same for all steps of
    its kind."""
    place: str = ""
    """Where the work is done; empty for this machine. Each place has a number of steps that it takes at once."""
    at: Callable[[str], Any] | None = None
    """Does the work at the place of that name, where it may be done anywhere; `work` does it here."""


@dataclass(frozen=True)
class ScheduleStatus:
    """Where a schedule stands."""

    done: int
    total: int
    running: tuple[tuple[str, float], ...]
    """What is being done now and for how many seconds already, longest first."""
    left_seconds: float
    """Expected until the end, by the steps that are not done and how long those before took beside their forecasts."""


Ended = Callable[[ScheduledStep, Any], None]
"""Told of each step that ended, with its result or the `CaseError` that ended it; one call at a time."""


@dataclass
class Schedule:
    """The steps of a run, and how many of them go side by side."""

    steps: Iterable[ScheduledStep]
    workers: int
    limits: Mapping[str, int] = field(default_factory=dict)
    """Slot → how many of its steps at once."""
    ended: Ended = lambda step, result: None
    places: Mapping[str, int] = field(default_factory=dict)
    """Place → how many steps it takes at once; this machine takes `workers`."""
    elsewhere: Callable[[], Iterable[str]] = tuple
    """Which of the places now take steps that may be done anywhere."""

    def __post_init__(self) -> None:
        self._waiting: dict[Hashable, ScheduledStep] = {step.key: step for step in self.steps}
        self._total = len(self._waiting)
        self._at_once = self.workers + sum(self.places.values())
        self._results: dict[Hashable, Any] = {}
        self._running: dict[Hashable, tuple[ScheduledStep, float]] = {}
        self._expected, self._taken = 0.0, 0.0
        self._order = ReadyQueue(self._waiting.values(), self._workers_of, self.limits, self.elsewhere)
        self._stopped = False
        self._broken: BaseException | None = None
        self._changed = threading.Condition()
        missing = {key for step in self._waiting.values() for key in step.needs if key not in self._waiting}
        if missing:
            raise ValueError(f"steps need what no step makes: {sorted(map(str, missing))}")

    def run(self) -> dict[Hashable, Any]:
        """Do everything; each step's result or the `CaseError` that ended it, by its key.

        Ctrl-C and the like end it at once: no step is begun any more, and the error goes on to the caller, who ends the
        processes that running steps wait for. What those steps then say counts for nothing.
        """
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(min(self._at_once, self._total))]
        for thread in threads:
            thread.start()
        try:
            with self._changed:
                while (self._waiting or self._running) and self._broken is None:
                    self._changed.wait(0.5)  # not for ever: Python looks at signals in between
                if self._broken is not None:
                    raise self._broken
        except BaseException:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()
            raise
        for thread in threads:
            thread.join()
        return self._results

    def status(self) -> ScheduleStatus:
        """Where it stands now."""
        with self._changed:
            now = time.monotonic()
            running = sorted(((step.doing, now - begun) for step, begun in self._running.values()), key=lambda r: -r[1])
            factor = self._taken / self._expected if self._expected > 0.0 else 1.0
            coming = sum(step.seconds for step in self._waiting.values()) * factor
            going = [max(0.0, step.seconds * factor - (now - begun)) for step, begun in self._running.values()]
            left = max([(coming + sum(going)) / max(1, self._at_once), *going])
            return ScheduleStatus(len(self._results), self._total, tuple(running), left)

    def _work(self) -> None:
        try:
            while (step := self._next()) is not None:
                self._do(step)
        except BaseException as error:  # of `ended`: the caller's own, and no step's
            with self._changed:
                self._broken = error
                self._changed.notify_all()

    def _do(self, step: ScheduledStep) -> None:
        begun = time.monotonic()
        result: Any
        try:
            result = step.at(step.place) if step.at is not None and step.place else step.work()
        except ANY_ERROR as error:
            result = as_case_error(error, step.stage or step.doing)
        with self._changed:
            del self._running[step.key]
            self._order.finish(step)
            if self._stopped:
                return
            self._expected += step.seconds
            self._taken += time.monotonic() - begun
            self._end(step, result)
            self._changed.notify_all()

    def _next(self) -> ScheduledStep | None:
        """Wait for a step that may begin; None where there is none left."""
        with self._changed:
            while True:
                if self._stopped or not self._waiting:
                    return None
                step = self._order.take()
                if step is not None:
                    del self._waiting[step.key]
                    self._running[step.key] = (step, time.monotonic())
                    return step
                if not self._running:  # nothing can ever become ready: the needs go in a circle
                    _, step = self._waiting.popitem()
                    self._order.drop(step)
                    self._end(step, as_case_error(RuntimeError("its needs go in a circle"), step.doing))
                    self._changed.notify_all()
                    continue
                self._changed.wait()

    def _workers_of(self, place: str) -> int:
        return self.places.get(place, 1) if place else self.workers

    def _end(self, step: ScheduledStep, result: Any) -> None:
        """Keep a result, and end what stands on it where it is an error."""
        self._results[step.key] = result
        self.ended(step, result)
        if not isinstance(result, CaseError):
            self._order.fulfil(step)
            return
        for other in self._order.standing_on(step):
            if self._waiting.pop(other.key, None) is not None:
                self._order.drop(other)
                self._end(other, result)


class Watcher(Protocol):
    """Is given the state of a schedule."""

    def update(self, status: ScheduleStatus) -> None:
        """Called about once a second while it runs."""


@contextmanager
def watched(schedule: Schedule, watcher: Watcher, every_seconds: float = 1.0) -> Iterator[None]:
    """While inside, a thread of its own shows the schedule to `watcher`."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every_seconds):
            watcher.update(schedule.status())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
