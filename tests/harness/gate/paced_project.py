"""A project with one timed case on LiteRT, whose runtime can be made slower by a share of the model's own time."""

from harness.environment import environment
from harness.process.child import ChildProcess
from harness_targets.tflite.load_request import PACKAGES
from tests.harness.gate.faulty_project import Project
from tests.harness.gate.faulty_runtime import EXTRA_VARIABLE, SLOWED_WORKER

CASE = "keyword_dscnn/float32/faulty/litert-paced"
SELECTION = ("--model", "keyword_dscnn", "--variant", "float32", "--target", "faulty/litert-paced")


def accepted_project(folder, cache):
    """The project, run once and accepted, and the least time of one inference in nanoseconds."""
    project = Project(folder, "zoo = true\n", cache=cache)
    code, record = project.run(*SELECTION, "--fresh")
    assert code == 0, record["cases"][0]["reason"]
    assert project.harness("baseline", "accept").returncode == 0
    return project, record["cases"][0]["latency"]["min_ms"] * 1e6


def steps_of(nanoseconds):
    """How many steps of work take so long, both at their least."""
    with ChildProcess("the slowed worker", environment("litert").python(), SLOWED_WORKER, packages=PACKAGES) as child:
        reply, _ = child.call("calibrate", seconds=60, steps=1000)
    return round(nanoseconds / (reply["least_ns"] / 1000))


def gate_when_slower(project, steps):
    """Run with so many steps of work more in each inference, and gate: exit code, and the rules broken to messages."""
    slower = {EXTRA_VARIABLE: str(steps)}
    assert project.run(*SELECTION, **slower)[0] == 0
    code, broken = project.gate(**slower)
    return code, broken.get(CASE, {})
