"""A package with faulty runtimes, found through an entry point like anybody's: real LiteRT in its real process,
with the fault put into the worker around it.

- `faulty/litert-nan`: the sample and output that `HARNESS_FAULTY_NAN` names (`17:left`) get one NaN;
- `faulty/litert-paced`: every invocation does `HARNESS_FAULTY_EXTRA` steps of work more. The number is its revision, so
  that the one before can stand beside it;
- `faulty/litert-work-clock`: likewise by so many nanoseconds, of a clock that goes by the work alone: no machine is
  too busy for it.
"""

import os
from pathlib import Path

from harness.environment import environment
from harness.process.child import ChildProcess
from harness_targets.tflite.load_request import PACKAGES
from harness_targets.tflite.target import TFLiteTarget

NAN_VARIABLE = "HARNESS_FAULTY_NAN"
EXTRA_VARIABLE = "HARNESS_FAULTY_EXTRA"
POISONED_WORKER = Path(__file__).with_name("poisoned_worker.py")
SLOWED_WORKER = Path(__file__).parents[3] / "benchmarks" / "slowed_worker.py"
SLOWED_VARIABLE = "HARNESS_DETECTION_EXTRA"
WORK_CLOCK_WORKER = Path(__file__).parents[2] / "fakes" / "work_clock_worker.py"
WORK_CLOCK_VARIABLE = "HARNESS_WORK_CLOCK_EXTRA"


class FaultyTarget(TFLiteTarget):
    """LiteRT with XNNPACK behind another worker, which is told of its fault by one environment variable."""

    def __init__(self, name, worker, variable, revision):
        super().__init__(name, "litert", "AUTO", environment("litert"), ("float32",), 1)
        self.worker, self.variable, self.revision = worker, variable, revision

    def fingerprint(self):
        return {**super().fingerprint(), "revision": self.revision}

    def with_fingerprint(self, changes):
        return FaultyTarget(self.name, self.worker, self.variable, changes.get("revision", self.revision))

    def _start(self, limits):
        return ChildProcess(
            self.name,
            self.environment.python(),
            self.worker,
            packages=PACKAGES,
            environment={self.variable: self.revision},
            start_seconds=limits.open_seconds,
        )


def targets():
    """All, with the faults that the environment asks for."""
    extra = os.environ.get(EXTRA_VARIABLE, "0")
    return [
        FaultyTarget("faulty/litert-nan", POISONED_WORKER, NAN_VARIABLE, os.environ.get(NAN_VARIABLE, "")),
        FaultyTarget("faulty/litert-paced", SLOWED_WORKER, SLOWED_VARIABLE, extra),
        FaultyTarget("faulty/litert-work-clock", WORK_CLOCK_WORKER, WORK_CLOCK_VARIABLE, extra),
    ]
