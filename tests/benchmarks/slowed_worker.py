"""The TFLite worker with more work in every invocation: `extra` steps of plain arithmetic after the model's own.

Runs in the runtime's environment, in place of `targets/tflite/worker.py`, which it loads and otherwise is.
"""

import importlib.util
import os
import time
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location(
    "tflite_worker", Path(__file__).parents[2] / "targets" / "tflite" / "worker.py"
)
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)

EXTRA_VARIABLE = "HARNESS_DETECTION_EXTRA"


def work(steps):
    """Real work, a few nanoseconds a step: sleeping would leave the processor to others."""
    total = 0
    for step in range(steps):
        total += step
    return total


class Slowed:
    """An interpreter whose `invoke` does more; all else is the real one's."""

    def __init__(self, interpreter, steps):
        self._interpreter, self._steps = interpreter, steps

    def __getattr__(self, name):
        return getattr(self._interpreter, name)

    def invoke(self):
        self._interpreter.invoke()
        work(self._steps)


def handlers():
    worker = _MODULE.Worker()
    steps = int(os.environ.get(EXTRA_VARIABLE, "0"))

    def load(header, tensors):
        reply = worker.load(header, tensors)
        worker.interpreter = Slowed(worker.interpreter, steps)
        return reply

    def calibrate(header, _):
        """The least nanoseconds of `steps` steps, of many tries."""
        least = 1 << 62
        for _ in range(300):
            start = time.perf_counter_ns()
            work(header["steps"])
            least = min(least, time.perf_counter_ns() - start)
        return {"least_ns": least}, {}

    return {
        "load": load,
        "infer": worker.infer,
        "time": worker.time,
        "footprint": worker.footprint,
        "calibrate": calibrate,
    }
