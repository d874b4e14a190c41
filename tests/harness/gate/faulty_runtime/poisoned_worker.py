"""The TFLite worker, whose `infer` puts a NaN into one output of one sample. Runs in the runtime's environment."""

import importlib.util
import os
from pathlib import Path

import numpy as np

_SPEC = importlib.util.spec_from_file_location(
    "tflite_worker", Path(__file__).parents[4] / "targets" / "tflite" / "worker.py"
)
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)


def handlers():
    real, done = _MODULE.handlers(), 0

    def load(header, tensors):
        nonlocal done
        done = 0
        return real["load"](header, tensors)

    def infer(header, tensors):
        """Samples come in several calls: which one it is counts from the load."""
        nonlocal done
        reply, outputs = real["infer"](header, tensors)
        sample, _, name = os.environ.get("HARNESS_FAULTY_NAN", "").partition(":")
        count = len(next(iter(tensors.values())))
        place, done = int(sample or -1) - done, done + count
        if name in outputs and 0 <= place < count:
            poisoned = outputs[name].copy()
            poisoned[place].flat[-1] = np.nan
            outputs = {**outputs, name: poisoned}
        return reply, outputs

    return {**real, "load": load, "infer": infer}
