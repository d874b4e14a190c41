"""Content addresses of measurements: the hash of all that decides the result, so that nothing is measured twice."""

from __future__ import annotations

from pathlib import Path

from harness.address import address_of
from harness.conversion.prepared import Prepared
from harness.conversion.target_address import code_of, decisive, tree
from harness.run.measure import Job
from harness.run.place import HERE, Place
from harness.target import Target, TimingPlan

ENGINE = Path(__file__).parents[1]


def parity_key(target: Target, job: Job, prepared: Prepared, place: Place = HERE) -> str:
    """Address of a parity measurement."""
    own = tree(
        *(
            ENGINE / part
            for part in ("parity", "process", "run/measure.py", "artifact.py", "quantisation.py", "target.py")
        )
    )
    return address_of("parity", job, prepared.golden_digest, *_decisive(target, place), own)


def latency_key(case_key: str, plan: TimingPlan, machine: str, target: Target, place: Place = HERE) -> str:
    """Address of a latency measurement: that of the case, with the plan and the machine."""
    own = tree(ENGINE / "latency", ENGINE / "process")
    return address_of("latency", case_key, plan, machine, *_decisive(target, place), own)


def _decisive(target: Target, place: Place) -> tuple[object, ...]:
    """All of a target that decides what it answers at a place. On the engine's own machine, whose cache is its own,
    that is the target alone; elsewhere the place and its machine, so that no figure stands for another machine's."""
    if place is HERE:
        return decisive(target)
    there = place.fingerprint(target)
    return target.name, target.format, there, code_of(target), "place", place.name, place.machine.id
