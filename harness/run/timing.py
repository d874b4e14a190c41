"""The last stage of a run: each case that is to be timed, alone on its machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager

from harness.errors import CaseError, NoClock, PlaceLost
from harness.run.exclusive import exclusive_machine
from harness.run.matrix import Case
from harness.run.measure import Job
from harness.run.measurements import Measurements
from harness.run.pool import Progress, side_by_side
from harness.run.results import CaseState
from harness.store.record import Latency, Machine
from harness.target import TimingPlan

NEVER_TIMED = "Not timed: milliseconds on this machine say nothing of the device that this stands for."
NOT_TIMED_BY_DEFAULT = (
    "Not timed by default: a software renderer says nothing of a GPU's speed; name the target to time it."
)
NOT_TIMED_YET = "Not timed: the run was stopped before its turn; the same command goes on there."


def time_cases(
    cases: Mapping[str, CaseState],
    jobs: Mapping[str, Job],
    plan: TimingPlan,
    measurements: Measurements,
    machine: Machine,
    progress: Progress,
    ending: Callable[[Case, str], AbstractContextManager[None]],
) -> None:
    """Time what was compared, or put down what is known of it or why it is not timed.

    `cases` and `jobs` are by a case's id, `machine` is this one; inside `ending`, what is raised ends that case alone.
    """
    waiting: dict[str, str] = {}
    for case_id in jobs:
        state = cases[case_id]
        if state.problem is not None:
            continue
        if not state.case.timed:
            state.latency_note = NOT_TIMED_BY_DEFAULT if state.case.target.timed else NEVER_TIMED
            continue
        with ending(state.case, "Addressing the timing"):
            key = measurements.latency_key(state, plan, machine)
            if not measurements.recall_latency(state, key):
                waiting[case_id] = key

    def measure(case_id: str) -> tuple[Latency, float]:
        state = cases[case_id]
        begun = time.monotonic()
        latency = state.case.place.measure_latency(jobs[case_id])
        seconds = time.monotonic() - begun
        measurements.keep_latency(state, waiting[case_id], latency, seconds)
        return latency, seconds

    def on_measured(case_id: str, result: tuple[Latency, float] | CaseError) -> None:
        state = cases[case_id]
        if isinstance(result, NoClock | PlaceLost):
            state.latency_note = f"Not timed: {result}"
        elif isinstance(result, CaseError):
            state.end(result)
        else:
            state.latency, state.reused_from = result[0], None
            state.seconds += result[1]

    def place_of(case_id: str) -> str:
        return cases[case_id].case.place.name

    def measure_all(name: str, case_ids: Iterable[str], lanes: Mapping[str, int]) -> None:
        side_by_side(name, case_ids, measure, 1, progress, done=on_measured, lanes=lanes, lane_of=place_of)

    if here := [case_id for case_id in waiting if not place_of(case_id)]:
        with exclusive_machine(progress.note):
            measure_all("Timing, one at a time", here, {"": 1})
    # Not beside what is timed here, as the answers are read here; each place locks itself.
    if elsewhere := [case_id for case_id in waiting if place_of(case_id)]:
        places = {cases[case_id].case.place for case_id in elsewhere}
        lanes = {place.name: place.timings for place in places}
        measure_all("Timing, one at a time a machine", elsewhere, lanes)
