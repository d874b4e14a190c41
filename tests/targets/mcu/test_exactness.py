"""The plan runtime computes what TensorFlow Lite Micro computes: int8 to the byte, float32 within a stated bound.

The kernels run on the host here; test_qemu.py and test_renode.py show that boards give the same bytes as the host.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.artifact import Artifact
from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.plan import Plan, plan_model

from .micro_interpreter import MicroInterpreter, MicroRefused
from .model_writer import ModelWriter
from .operators import FLOAT_ALONE, FOUR_BITS
from .random_operators import FORMS, MAKERS, Draws, random_inputs, random_model

REAL_INT8 = [
    "anomaly_detection/ad01_int8.tflite",
    "image_classification/pretrainedResnet_quant.tflite",
    "keyword_spotting/kws_ref_model.tflite",
]
REAL_FLOAT = ["anomaly_detection/ad01_fp32.tflite", "image_classification/pretrainedResnet.tflite"]
SEEDS, FEW_SEEDS = 40, 12
# Sums are taken in Micro's order, so all but exp and tanh are equal; those are within a few units in the last place.
FLOAT_RELATIVE, FLOAT_ABSOLUTE = 1e-6, 1e-7
# RSQRT and SQRT are exact where they are numbers, but what is not one has several bit patterns.
EXACT_IN_FLOAT = set(MAKERS) - {
    *("SOFTMAX", "LOGISTIC", "TANH", "RSQRT", "SQRT", "ELU", "EXP", "LOG", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    *("SIN", "COS", "LOG_SOFTMAX"),
}


def both(
    model: bytes,
    plan: Plan,
    kernels: HostKernels,
    micro: MicroInterpreter,
    seed: int,
    count: int,
    sequence: bool = False,
) -> tuple[bytes, bytes]:
    inputs = random_inputs(plan.inputs, seed, count)
    expected = micro.run(model, [tensor.nbytes for tensor in plan.inputs], len(plan.outputs), inputs, sequence)
    return b"".join(kernels.run(plan, inputs, sequence=sequence)), b"".join(expected)


def test_the_zoos_models_are_equal_to_the_byte_and_in_float32_within_the_stated_bound(
    zoo_artifact: Callable[[str, str], Artifact], host_kernels: HostKernels, tflm_host: MicroInterpreter
):
    whole, real = (zoo_artifact("keyword_dscnn", variant).path.read_bytes() for variant in ("int8", "float32"))
    computed, expected = both(whole, plan_model(whole), host_kernels, tflm_host, seed=1, count=20)
    assert computed == expected
    assert_close_in_float32(*both(real, plan_model(real), host_kernels, tflm_host, seed=2, count=5))


def assert_close_in_float32(computed: bytes, expected: bytes) -> None:
    ours, micros = (np.frombuffer(given, np.float32) for given in (computed, expected))
    np.testing.assert_allclose(ours, micros, FLOAT_RELATIVE, FLOAT_ABSOLUTE)


@pytest.mark.parametrize("path", REAL_INT8)
def test_real_int8_models_are_equal_to_the_byte(
    path: str, shared_models: Path, host_kernels: HostKernels, tflm_host: MicroInterpreter
):
    model = (shared_models / path).read_bytes()
    computed, expected = both(model, plan_model(model), host_kernels, tflm_host, seed=1, count=20)
    assert computed == expected


@pytest.mark.parametrize("path", REAL_FLOAT)
def test_real_float_models_are_within_the_stated_bound(
    path: str, shared_models: Path, host_kernels: HostKernels, tflm_host: MicroInterpreter
):
    model = (shared_models / path).read_bytes()
    assert_close_in_float32(*both(model, plan_model(model), host_kernels, tflm_host, seed=2, count=5))


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, dtype) for name, dtype in FORMS if dtype != "float32" and name not in FLOAT_ALONE],
)
def test_random_integer_operators_are_equal_to_the_byte(
    name: str, dtype: str, host_kernels: HostKernels, tflm_host: MicroInterpreter, draws: Draws
):
    compared, seeds = 0, draws(FEW_SEEDS, SEEDS)
    for seed in seeds:
        model = random_model(name, dtype, seed).write()
        plan = plan_model(model)
        try:
            computed, expected = both(model, plan, host_kernels, tflm_host, seed, count=3)
        except MicroRefused:
            continue
        assert computed == expected, f"{name}, seed {seed}"
        compared += 1
    assert compared >= len(seeds) * 3 // 4, "too many of the random models are not models for Micro"


@pytest.mark.parametrize("name", ["CALL_ONCE", "ASSIGN_VARIABLE", "UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF"])
def test_state_is_kept_along_a_sequence_as_micro_keeps_it(
    name: str, host_kernels: HostKernels, tflm_host: MicroInterpreter, draws: Draws
):
    kept = 0
    for seed in draws(FEW_SEEDS, SEEDS):
        model = random_model(name, "int8", seed).write()
        plan = plan_model(model)
        computed, expected = both(model, plan, host_kernels, tflm_host, seed, count=4, sequence=True)
        assert computed == expected, f"{name}, seed {seed}"
        kept += computed != both(model, plan, host_kernels, tflm_host, seed, count=4)[0]
    assert kept > 0, "no model whose state is seen in its outputs"


@pytest.mark.parametrize("name", list(FOUR_BITS))
def test_weights_of_four_bits_are_equal_to_the_byte(
    name: str, host_kernels: HostKernels, tflm_host: MicroInterpreter, draws: Draws
):
    seeds = draws(FEW_SEEDS, SEEDS)
    for seed in seeds:
        model = FOUR_BITS[name](np.random.default_rng([seed, *name.encode()]), "int8").write()
        computed, expected = both(model, plan_model(model), host_kernels, tflm_host, seed, count=3)
        assert computed == expected, f"{name}, seed {seed}"


def test_biases_near_the_end_of_int32_are_exact(host_kernels: HostKernels, tflm_host: MicroInterpreter):
    """The converter widens the bias of a channel whose weights are tiny up to 2^30, as MobileNets have them."""
    writer = ModelWriter()
    source = writer.input((1, 8), scale=0.05, zero_point=-7)
    random = np.random.default_rng(3)
    weights = writer.constant(random.integers(-127, 128, (4, 8)).astype(np.int8), scale=1e-9)
    bias = writer.constant(np.array([2**30 - 1, -(2**30), 2**30 + 12345, 7], np.int32), scale=5e-11)
    target = writer.output((1, 4), scale=1e-3, zero_point=3)
    writer.operator("FULLY_CONNECTED", [source, weights, bias], [target], "FullyConnectedOptions")
    model = writer.write()
    computed, expected = both(model, plan_model(model), host_kernels, tflm_host, seed=6, count=10)
    assert computed == expected


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_space_to_batch_surrounds_an_image_with_zeros(dtype: str, host_kernels: HostKernels):
    """As TensorFlow Lite does. Micro's kernel surrounds it with a number that it never sets (`params.output_offset` of
    space_to_batch_nd.cc), so there is nothing to be equal to."""
    writer = ModelWriter()
    quantised = {"scale": 0.1, "zero_point": -7} if dtype == "int8" else {}
    source = writer.input((2, 3, 5, 2), dtype, **quantised)
    constants = [writer.constant(np.array(v, np.int32)) for v in ([2, 3], [[1, 2], [0, 4]])]
    target = writer.output((12, 3, 3, 2), dtype, **quantised)
    writer.operator("SPACE_TO_BATCH_ND", [source, *constants], [target], "SpaceToBatchNDOptions")
    plan = plan_model(writer.write())
    (values,) = random_inputs(plan.inputs, 3, 1)
    image = np.frombuffer(values, dtype).reshape(2, 3, 5, 2)
    zero = quantised.get("zero_point", 0)
    around = np.pad(image, ((0, 0), (1, 2), (0, 4), (0, 0)), constant_values=zero)
    expected = around.reshape(2, 3, 2, 3, 3, 2).transpose(2, 4, 0, 1, 3, 5).reshape(12, 3, 3, 2)
    assert host_kernels.run(plan, [values]) == [expected.tobytes()]


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "DEQUANTIZE"])
def test_random_float_operators_are_within_the_stated_bound(
    name: str, host_kernels: HostKernels, tflm_host: MicroInterpreter, draws: Draws
):
    compared, seeds = 0, draws(FEW_SEEDS, SEEDS)
    for seed in seeds:
        model = random_model(name, "float32", seed).write()
        plan = plan_model(model)
        try:
            computed, expected = both(model, plan, host_kernels, tflm_host, seed, count=2)
        except MicroRefused:
            continue
        compared += 1
        if name in EXACT_IN_FLOAT:
            assert computed == expected, f"{name}, seed {seed}"
        else:
            np.testing.assert_allclose(
                np.frombuffer(computed, np.float32),
                np.frombuffer(expected, np.float32),
                FLOAT_RELATIVE,
                FLOAT_ABSOLUTE,
                err_msg=f"{name}, seed {seed}",
            )
    assert compared >= len(seeds) * 3 // 4, "too many of the random models are not models for Micro"
