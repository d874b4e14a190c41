"""A project with one timed case on LiteRT, whose runtime can be made slower by a share of the model's own time."""

from dataclasses import dataclass
from typing import Any

from harness.environment import environment
from harness.process.child import ChildProcess
from harness_targets.tflite.load_request import PACKAGES
from tests.harness.gate.faulty_project import Project
from tests.harness.gate.faulty_runtime import EXTRA_VARIABLE, SLOWED_WORKER

PACED = "faulty/litert-paced"
"""By this machine's clock."""
BY_WORK = "faulty/litert-work-clock"
"""By a clock that goes by the work alone."""


@dataclass(frozen=True)
class PacedProject:
    """`nanoseconds` is the least time of one inference, when it was accepted."""

    project: Project
    target: str
    nanoseconds: float

    @property
    def case(self) -> str:
        return f"keyword_dscnn/float32/{self.target}"

    def gate_when_slower(self, extra: int) -> tuple[int, dict[str, Any]]:
        """Run with so much work more in each inference, and gate: exit code, and the rules broken to messages."""
        slower = {EXTRA_VARIABLE: str(extra)}
        assert self.project.run(*selection(self.target), **slower)[0] == 0
        code, broken = self.project.gate(**slower)
        return code, broken.get(self.case, {})


def selection(target: str) -> tuple[str, ...]:
    return ("--model", "keyword_dscnn", "--variant", "float32", "--target", target)


def accepted_project(folder, cache, target: str) -> PacedProject:
    """The project, run once and accepted."""
    project = Project(folder, "zoo = true\n", cache=cache)
    code, record = project.run(*selection(target), "--fresh")
    assert code == 0, record["cases"][0]["reason"]
    assert project.harness("baseline", "accept").returncode == 0
    return PacedProject(project, target, record["cases"][0]["latency"]["min_ms"] * 1e6)


def steps_of(nanoseconds: float) -> int:
    """How many steps of work take so long by this machine's clock, both at their least."""
    with ChildProcess("the slowed worker", environment("litert").python(), SLOWED_WORKER, packages=PACKAGES) as child:
        reply, _ = child.call("calibrate", seconds=60, steps=1000)
    return round(nanoseconds / (reply["least_ns"] / 1000))
