"""Fully connected int8 layers without a bias take tflite-runtime down on Arm, which is known before any is started."""

import numpy as np
import pytest

from harness.errors import Crashed
from harness.process.warm import end_warm
from harness_targets.tflite.arm.target import arm_targets
from tests.targets.mcu.model_writer import ModelWriter
from tests.targets.mcu.test_target import make_artifact

TARGETS = {target.name: target for target in arm_targets()}
A53 = TARGETS["tflite/arm64-cortex-a53-tflite-runtime"]


def fully_connected(folder, outputs, inputs, rows=1, biased=False, scales=True):
    model = ModelWriter()
    weights = model.constant(np.ones((outputs, inputs), np.int8), scale=[0.5] * (outputs if scales else 1))
    bias = model.constant(np.ones(outputs, np.int32), scale=[0.25] * outputs) if biased else -1
    given = [model.input((rows, inputs), scale=0.5), weights, bias]
    model.operator("FULLY_CONNECTED", given, [model.output((rows, outputs), scale=0.5)], "FullyConnectedOptions", {})
    return make_artifact(folder, model.write()).model_copy(update={"operators": {"FULLY_CONNECTED": 1}})


CASES = {
    "few outputs": (True, lambda folder: fully_connected(folder, 3, 16)),
    "few inputs": (True, lambda folder: fully_connected(folder, 8, 4)),
    "several rows": (True, lambda folder: fully_connected(folder, 8, 16, rows=4)),
    "one scale, few outputs": (False, lambda folder: fully_connected(folder, 3, 16, scales=False)),
    "one scale, several rows": (False, lambda folder: fully_connected(folder, 8, 16, rows=4, scales=False)),
    "a matrix times a vector": (False, lambda folder: fully_connected(folder, 4, 8)),
    "few outputs, biased": (False, lambda folder: fully_connected(folder, 3, 16, biased=True)),
    "several rows, biased": (False, lambda folder: fully_connected(folder, 8, 16, rows=4, biased=True)),
}


@pytest.fixture(scope="module")
def emulated():
    yield A53
    end_warm()


@pytest.mark.needs(A53.name)
@pytest.mark.parametrize("name", CASES)
def test_what_is_said_of_a_layer_is_what_happens(name, emulated, tmp_path):
    dies, make = CASES[name]
    artifact = make(tmp_path)
    zeros = {info.name: np.zeros((1, *info.shape), np.int8) for info in artifact.inputs}
    assert bool(emulated.unsupported_operators(artifact)) == dies
    with emulated.open(artifact) as session:
        if dies:
            with pytest.raises(Crashed, match="SIGSEGV"):
                session.infer(zeros)
        else:
            assert session.infer(zeros)


def test_the_operator_is_named(tmp_path):
    (said,) = A53.unsupported_operators(fully_connected(tmp_path, 3, 16))
    assert said == "FULLY_CONNECTED (operator 0) without a bias, on which tflite-runtime dies on Arm"


def test_other_kernels_ask_first(tmp_path):
    artifact = fully_connected(tmp_path, 3, 16)
    assert TARGETS["tflite/arm64-cortex-a53"].unsupported_operators(artifact) == ()
    assert A53.with_fingerprint({"resolver": "BUILTIN_REF"}).unsupported_operators(artifact) == ()
