"""Content addresses of measurements: the hash of all that decides the result, so that nothing is measured twice."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path

from harness.address import address_of
from harness.cache import sha256_tree
from harness.conversion.converter import Prepared
from harness.conversion.source import closure
from harness.run.measure import Job
from harness.target import Target, TimingPlan

ENGINE = Path(__file__).parents[1]


@cache
def _tree(*paths: Path) -> str:
    return sha256_tree(paths)


def code_of(target: Target) -> str:
    """Hash of the folder of a target's family, whose worker, page or firmware decide the figures, and of what it
    imports from other families."""
    module = Path(inspect.getfile(type(target)))
    return _tree(family_folder(module, type(target).__module__), *closure(module))


def family_folder(module: Path, name: str) -> Path:
    """The folder right below the top package, in however deep a folder of its family a target's module is."""
    return module.parents[max(0, name.count(".") - 2)]


def parity_key(target: Target, job: Job, prepared: Prepared) -> str:
    """Address of a parity measurement."""
    own = _tree(
        *(
            ENGINE / part
            for part in ("parity", "process", "run/measure.py", "artifact.py", "quantisation.py", "target.py")
        )
    )
    return address_of("parity", job, prepared.golden_digest, *decisive(target), own)


def latency_key(case_key: str, plan: TimingPlan, machine: str, target: Target) -> str:
    """Address of a latency measurement: that of the case, with the plan and the machine."""
    own = _tree(ENGINE / "latency", ENGINE / "process")
    return address_of("latency", case_key, plan, machine, *decisive(target), own)


def decisive(target: Target) -> tuple[object, ...]:
    """All of a target that decides what it answers."""
    return target.name, target.format, target.fingerprint(), code_of(target)
