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
    real = _MODULE.handlers()

    def infer(header, tensors):
        reply, outputs = real["infer"](header, tensors)
        sample, _, name = os.environ.get("HARNESS_FAULTY_NAN", "").partition(":")
        if sample:
            poisoned = outputs[name].copy()
            poisoned[int(sample)].flat[-1] = np.nan
            outputs = {**outputs, name: poisoned}
        return reply, outputs

    return {**real, "infer": infer}
