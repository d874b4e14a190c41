"""Which of many steps goes next, without a thread or a clock: choosing costs no more where there are more steps."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.run.schedule import ScheduledStep

ANYWHERE = "*"
"""Stands for the place of a step until one is chosen."""
SLOW = "slow"
"""The slot of steps that may take minutes: at most all workers of a place but one while others there are unfinished."""


class ReadyQueue:
    """Steps that stand on each other, at places that take a number of them at once."""

    def __init__(
        self,
        steps: Iterable[ScheduledStep],
        workers: Callable[[str], int],
        limits: Mapping[str, int],
        elsewhere: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """`workers`: how many steps a place takes at once; `limits`: how many of a slot, at each place; `elsewhere`:
        where steps may be done that may be done anywhere, beside this machine."""
        self._workers, self._limits, self._elsewhere = workers, limits, elsewhere
        self._left: dict[Hashable, int] = {}
        """Step → how many of its needs are not there yet; none of a step that is over or was begun."""
        self._standing_on: dict[Hashable, list[ScheduledStep]] = {}
        self._ready: dict[str, dict[str, list[tuple[int, float, int, ScheduledStep]]]] = {}
        """Place → slot → heap. What was dropped since is still in it."""
        self._running: dict[str, Counter[str]] = {}
        self._quick: Counter[str] = Counter()
        """Place → how many of its steps are neither slow nor over."""
        self._number: dict[Hashable, int] = {}
        """The order in which steps were given, which decides between equals."""
        for number, step in enumerate(steps):
            self._number[step.key] = number
            self._left[step.key] = len(set(step.needs))
            for need in set(step.needs):
                self._standing_on.setdefault(need, []).append(step)
            self._count_quick(step, 1)
            if not step.needs:
                self._push(step)

    def take(self) -> ScheduledStep | None:
        """The step to be begun now, of lowest rank and among equals cheapest; None where none may."""
        best: tuple[int, float, int, ScheduledStep] | None = None
        for home, slots in self._ready.items():
            place = self._chosen() if home == ANYWHERE else home
            if place is None or self._free(place) <= 0:
                continue
            for slot, heap in slots.items():
                while heap and heap[0][3].key not in self._left:
                    heapq.heappop(heap)
                if heap and self._has_room(place, slot) and (best is None or heap[0][:3] < best[:3]):
                    best = heap[0]
        if best is None:
            return None
        step = best[3]
        heapq.heappop(self._ready[_home(step)][step.slot])
        del self._left[step.key]
        if step.at is not None and (place := self._chosen()):
            step = replace(step, place=place, doing=f"{step.doing} at {place}")
        self._running[step.place][step.slot] += 1
        return step

    def finish(self, step: ScheduledStep) -> None:
        """A step that was begun is over: its room is free."""
        self._running[step.place][step.slot] -= 1
        self._count_quick(step, -1)

    def fulfil(self, step: ScheduledStep) -> None:
        """What stands on a step may stand on it now."""
        for other in self._standing_on.get(step.key, ()):
            if other.key in self._left:
                self._left[other.key] -= 1
                if not self._left[other.key]:
                    self._push(other)

    def drop(self, step: ScheduledStep) -> None:
        """A step is never begun."""
        del self._left[step.key]
        self._count_quick(step, -1)

    def standing_on(self, step: ScheduledStep) -> list[ScheduledStep]:
        """The steps that need it and are still to come."""
        return [other for other in self._standing_on.get(step.key, ()) if other.key in self._left]

    def _count_quick(self, step: ScheduledStep, by: int) -> None:
        if step.slot != SLOW:
            self._quick[_home(step)] += by

    def _free(self, place: str) -> int:
        return self._workers(place) - self._running.setdefault(place, Counter()).total()

    def _chosen(self) -> str | None:
        """Where a step that may be done anywhere is begun now: on this machine, which has its files, else where most
        workers are free; None where none is."""
        if self._free("") > 0:
            return ""
        return max((place for place in self._elsewhere() if self._free(place) > 0), key=self._free, default=None)

    def _push(self, step: ScheduledStep) -> None:
        heap = self._ready.setdefault(_home(step), {}).setdefault(step.slot, [])
        heapq.heappush(heap, (step.rank, step.seconds, self._number[step.key], step))

    def _has_room(self, place: str, slot: str) -> bool:
        """Whether one more step of the slot may begin at a place that takes one more."""
        if not slot:
            return True
        beside, workers = self._running[place][slot], self._workers(place)
        if slot == SLOW:
            return beside < (max(1, workers - 1) if self._quick[place] else workers)
        return beside < self._limits.get(slot, workers)


def _home(step: ScheduledStep) -> str:
    """The place whose steps it is counted with."""
    return ANYWHERE if step.at is not None else step.place
