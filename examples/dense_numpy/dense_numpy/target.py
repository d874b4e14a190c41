"""`numpy/dense`: the target. It says what it needs and what it can run, and starts a worker for each session."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.errors import Unsupported
from harness.model import Tensors
from harness.process.child import ChildProcess
from harness.process.worker_target import WorkerTarget
from harness.target import Loaded, Readiness, Session, SessionTimeouts, Target, Timing, TimingPlan

WORKER = Path(__file__).with_name("worker.py")


class DenseSession(Session):
    """One model in one worker process."""

    def __init__(self, child: ChildProcess, limits: SessionTimeouts, loaded: Loaded) -> None:
        self.child, self.limits, self._loaded = child, limits, loaded

    def loaded(self) -> Loaded:
        return self._loaded

    def infer(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        return self.child.call("infer", dict(samples), seconds=self.limits.infer_seconds)[1]

    def time(self, samples: Tensors, plan: TimingPlan) -> Timing:
        raise Unsupported("numpy/dense is not timed: NumPy's milliseconds say nothing of a device.")


class DenseTarget(WorkerTarget):
    """FULLY_CONNECTED with ReLU or without, in float32."""

    name = "numpy/dense"
    format = "tflite"
    default_variants = ("float32",)
    timed = False

    def probe(self) -> Readiness:
        return Readiness(ready=True, details={"numpy": version("numpy")})

    def fingerprint(self) -> dict[str, str]:
        """Whatever decides the outputs; the files of this package count by themselves."""
        return {"numpy": version("numpy"), "python": sys.version.split()[0]}

    def unsupported_operators(self, artifact: Artifact) -> tuple[str, ...]:
        others = [operator for operator in artifact.operators if operator != "FULLY_CONNECTED"]
        return (f"{', '.join(others)} (it has FULLY_CONNECTED alone)",) if others else ()

    def _start(self, limits: SessionTimeouts) -> ChildProcess:
        return ChildProcess(self.name, Path(sys.executable), WORKER, start_seconds=limits.open_seconds)

    def _load(self, child: ChildProcess, artifact: Artifact, limits: SessionTimeouts) -> DenseSession:
        ends = {"input": artifact.inputs[0].name, "output": artifact.outputs[0].name}
        reply, _ = child.call("load", seconds=limits.open_seconds, path=str(artifact.path), **ends)
        return DenseSession(child, limits, Loaded({artifact.entry: reply["sha256"]}))


def targets() -> list[Target]:
    """The targets of this family."""
    return [DenseTarget()]
