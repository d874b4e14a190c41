"""Content addresses of measurements: the hash of all that decides the result, so that nothing is measured twice."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path

from harness.cache import sha256_json, sha256_tree
from harness.conversion.converter import Prepared
from harness.run.measure import Job
from harness.target import Target, TimingPlan

ENGINE = Path(__file__).parents[1]


@cache
def _tree(*paths: Path) -> str:
    return sha256_tree(paths)


def code_of(target: Target) -> str:
    """Hash of the folder of a target's family: its worker, page or firmware decide the figures."""
    return _tree(Path(inspect.getfile(type(target))).parent)


def parity_key(target: Target, job: Job, prepared: Prepared) -> str:
    """Address of a parity measurement."""
    own = _tree(ENGINE / "parity", ENGINE / "run" / "measure.py", ENGINE / "quantisation.py")
    return sha256_json(
        [
            "parity",
            job.artifact.digest,
            job.reference.digest,
            prepared.golden_digest,
            job.task,
            target.name,
            target.fingerprint(),
            code_of(target),
            own,
        ]
    )


def latency_key(case_key: str, plan: TimingPlan, machine: str, target: Target) -> str:
    """Address of a latency measurement: that of the case, with the plan and the machine."""
    own = _tree(ENGINE / "latency", ENGINE / "process")
    return sha256_json(["latency", case_key, vars(plan), machine, own, code_of(target)])
