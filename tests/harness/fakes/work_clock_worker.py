"""The TFLite worker with a clock that goes by the work that is done and by nothing else: the same on every machine.

An invocation takes about a nanosecond for each multiplication of the model's operators, give or take two per cent, and
as many more as `HARNESS_WORK_CLOCK_EXTRA` says. Runs in the runtime's environment in place of
`targets/tflite/worker.py`, which it loads and otherwise is.
"""

import importlib.util
import os
import random
import time
from pathlib import Path
from types import SimpleNamespace

from harness_targets.tflite import prefix_models

_SPEC = importlib.util.spec_from_file_location(
    "tflite_worker", Path(__file__).parents[3] / "targets" / "tflite" / "worker.py"
)
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)

EXTRA_VARIABLE = "HARNESS_WORK_CLOCK_EXTRA"


class Clock:
    """Goes on by what was worked, and by a step for each look at it."""

    def __init__(self):
        self.now, self.drawn = 0, random.Random(0)

    def work(self, nanoseconds):
        self.now += round(nanoseconds * self.drawn.gauss(1.0, 0.02))

    def read(self):
        self.now += 100
        return self.now


CLOCK = Clock()


def size(shape):
    product = 1
    for length in shape:
        product *= int(length)
    return product


def work_of(interpreter):
    """Of each operator: for every value that it gives, one, and its weights a channel."""
    tensors = {tensor["index"]: tensor["shape"] for tensor in interpreter.get_tensor_details()}
    computed = {int(index) for operator in interpreter._get_ops_details() for index in operator["outputs"]}
    computed |= {detail["index"] for detail in interpreter.get_input_details()}
    total = 0
    for operator in interpreter._get_ops_details():
        for given in (tensors[int(index)] for index in operator["outputs"] if int(index) in tensors):
            constants = [index for index in map(int, operator["inputs"]) if index in tensors and index not in computed]
            channels = max(1, int(given[-1]) if len(given) else 1)
            total += size(given) * (1 + sum(size(tensors[index]) for index in constants) // channels)
    return total


class Timed:
    """An interpreter whose `invoke` moves the clock; all else is the real one's."""

    def __init__(self, interpreter):
        self._interpreter = interpreter
        self._work = work_of(interpreter) + int(os.environ.get(EXTRA_VARIABLE, "0"))

    def __getattr__(self, name):
        return getattr(self._interpreter, name)

    def invoke(self):
        self._interpreter.invoke()
        CLOCK.work(self._work)


class Worker(_MODULE.Worker):
    def set_up(self, header):
        super().set_up(header)
        made = self.made
        self.made = lambda: Timed(made())


_MODULE.Worker = Worker
_MODULE.time = prefix_models.time = SimpleNamespace(perf_counter_ns=CLOCK.read, get_clock_info=time.get_clock_info)
handlers = _MODULE.handlers
