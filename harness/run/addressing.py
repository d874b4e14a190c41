"""Content addresses of measurements: the hash of all that decides the result, so that nothing is measured twice."""

from __future__ import annotations

from pathlib import Path

from harness.address import address_of
from harness.conversion.prepared import Prepared
from harness.conversion.target_address import decisive, tree
from harness.run.measure import Job
from harness.target import Target, TimingPlan

ENGINE = Path(__file__).parents[1]


def parity_key(target: Target, job: Job, prepared: Prepared) -> str:
    """Address of a parity measurement."""
    own = tree(
        *(
            ENGINE / part
            for part in ("parity", "process", "run/measure.py", "artifact.py", "quantisation.py", "target.py")
        )
    )
    return address_of("parity", job, prepared.golden_digest, *decisive(target), own)


def latency_key(case_key: str, plan: TimingPlan, machine: str, target: Target) -> str:
    """Address of a latency measurement: that of the case, with the plan and the machine."""
    own = tree(ENGINE / "latency", ENGINE / "process")
    return address_of("latency", case_key, plan, machine, *decisive(target), own)
