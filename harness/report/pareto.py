"""The cases of one model that are worth choosing: none is faster, more exact and smaller at once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.report import numbers
from harness.store.record import CaseResult, Interval, Outcome, SteadyState

NEGLIGIBLE = 1e-6
"""Smaller relative errors count as equal: they are the rounding of float32, in another order of additions."""


@dataclass(frozen=True)
class Candidate:
    """A timed case with its three prices: time, error and bytes."""

    case: CaseResult
    family: str
    median_ms: float
    interval: Interval
    error: float
    """End to end: what a user of this target gets, relative to the float32 original."""
    bytes: int
    barred: str
    """Why it cannot be on the front, where it cannot."""
    on_front: bool = False


def candidates(cases: Iterable[CaseResult]) -> list[Candidate]:
    """The cases that can be drawn, with the front of each family at each place marked: nobody chooses between a browser
    and a phone, or two machines by their milliseconds, but everybody chooses a variant and a runtime for one."""
    found = [one for case in cases if (one := _candidate(case))]
    return [one if one.barred or any(_dominates(other, one) for other in found) else _marked(one) for one in found]


def _candidate(case: CaseResult) -> Candidate | None:
    error = numbers.worst_error(case.parity.end_to_end) if case.parity else None
    if case.latency is None or case.artifact is None or error is None:
        return None
    if not (math.isfinite(case.latency.median_ms) and math.isfinite(error)):
        return None
    return Candidate(
        case=case,
        family=case.target.rpartition("/")[0],
        median_ms=case.latency.median_ms,
        interval=case.latency.median_interval,
        error=error,
        bytes=case.artifact.bytes,
        barred=_barred(case),
    )


def _barred(case: CaseResult) -> str:
    if case.outcome is not Outcome.PASSED:
        return case.outcome.value
    if case.simulated:
        return "simulated"
    return "never steady" if case.latency and case.latency.state is SteadyState.NONE else ""


def _dominates(better: Candidate, worse: Candidate) -> bool:
    """Nowhere worse and somewhere better. Of two medians whose intervals overlap neither is the faster."""
    if better.barred or better is worse or (better.family, better.case.place) != (worse.family, worse.case.place):
        return False
    errors = max(better.error, NEGLIGIBLE), max(worse.error, NEGLIGIBLE)
    faster = better.interval.high < worse.interval.low
    slower = better.interval.low > worse.interval.high
    if slower or errors[0] > errors[1] or better.bytes > worse.bytes:
        return False
    return faster or errors[0] < errors[1] or better.bytes < worse.bytes


def _marked(one: Candidate) -> Candidate:
    return Candidate(**{**vars(one), "on_front": True})
