"""Seconds of wall time that one emulated case takes: 128 inputs of a real model in one start of the emulator.

    .venv/bin/python -m pytest tests/benchmarks/test_emulated_case.py --benchmark-only

Renode's rows need `renode` on PATH or RENODE_HOME.
"""

import numpy as np
import pytest

from harness_targets.mcu.boards import MPS2_CORTEX_M4
from harness_targets.mcu.emulator.run import EMULATORS, run_job
from harness_targets.mcu.plan import plan_model

MODELS = {
    "anomaly detection": "anomaly_detection/ad01_int8.tflite",
    "keyword spotting": "keyword_spotting/kws_ref_model.tflite",
    "ResNet8": "image_classification/pretrainedResnet_quant.tflite",
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("emulator", [pytest.param(name, marks=pytest.mark.needs(name)) for name in EMULATORS])
@pytest.mark.needs("firmware-compiler")
def test_seconds_of_a_case(benchmark, emulator, model, shared_models, tmp_path_factory):
    plan = plan_model((shared_models / MODELS[model]).read_bytes())
    generator = np.random.default_rng(0)
    inputs = [generator.integers(-128, 128, plan.input_bytes).astype(np.int8).tobytes() for _ in range(128)]
    cache = tmp_path_factory.mktemp("firmware")
    run_job(MPS2_CORTEX_M4, emulator, plan, inputs[:1], 1, 120, cache)  # builds the firmware
    result = benchmark.pedantic(run_job, args=(MPS2_CORTEX_M4, emulator, plan, inputs, 1, 300, cache), rounds=2)
    benchmark.extra_info["million_instructions"] = result.instructions * len(inputs) / 1e6
