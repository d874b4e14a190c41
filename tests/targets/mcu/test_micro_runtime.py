"""The real library on the emulated boards: the same bytes as the plan runtime, and counts that repeat.

Needs TFLM_LIB and TFLM_INCLUDE (any release build for a Cortex-M4) and arm-none-eabi-g++; without a TFLM_LIB it is
skipped, and one that cannot be used is a failure.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import Unsupported
from harness_targets.mcu.boards import MPS2_CORTEX_M4
from harness_targets.mcu.emulator import EMULATORS, JobResult
from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.micro.library import MicroLibrary, check_board, named_library
from harness_targets.mcu.micro.run import MicroModel, build_for, run_micro_job
from harness_targets.mcu.plan import Plan, plan_model
from harness_targets.mcu.plan.model import read_model
from harness_targets.mcu.plan.planner import PlanTensor

from .random_operators import random_inputs, random_model

pytestmark = pytest.mark.needs("arm-gcc", "micro-library")
TIMEOUT = 120.0
SHARED = (
    "anomaly_detection/ad01_int8.tflite",
    "keyword_spotting/kws_ref_model.tflite",
    "image_classification/pretrainedResnet_quant.tflite",
)
# As test_renode.py has them, and for the same reason.
INSTRUCTIONS_APART = 2
INSTRUCTIONS_A_WRAP = 6


@pytest.fixture(scope="module")
def library() -> MicroLibrary:
    found = named_library()
    check_board(found, MPS2_CORTEX_M4)
    return found


def run(
    library: MicroLibrary, content: bytes, plan: Plan, inputs: list[bytes], cache: Path, emulator: str
) -> JobResult:
    model = MicroModel.read(content, plan.inputs, plan.outputs)
    firmware = build_for(library, MPS2_CORTEX_M4, model, cache)
    return run_micro_job(firmware, MPS2_CORTEX_M4, EMULATORS[emulator], model, inputs, TIMEOUT)


def raw(result: JobResult) -> list[bytes]:
    return [b"".join(tensor.tobytes() for tensor in one.outputs) for one in result.runs]


@pytest.mark.parametrize("path", SHARED)
def test_real_models_give_the_bytes_of_the_plan_runtime(
    path: str, library: MicroLibrary, qemu: str, shared_models: Path, host_kernels: HostKernels, build_cache: Path
):
    content = (shared_models / path).read_bytes()
    plan = plan_model(content)
    inputs = random_inputs(plan.inputs, 3, 2)
    result = run(library, content, plan, [inputs[0], *inputs], build_cache, qemu)
    assert raw(result)[1:] == host_kernels.run(plan, inputs)
    assert result.runs[0].instructions == result.runs[1].instructions
    counted = result.runs[0].operator_instructions
    assert len(counted) == len(plan.operators)
    assert 0 <= result.instructions - sum(counted) < 200 * (len(counted) + 1)
    assert 0 < result.stack_used < result.stack_size
    assert result.arena_bytes > plan.arena_bytes / 2


@pytest.mark.parametrize("path", SHARED)
def test_both_emulators_give_the_same(
    path: str, library: MicroLibrary, qemu: str, renode: str, shared_models: Path, build_cache: Path
):
    content = (shared_models / path).read_bytes()
    plan = plan_model(content)
    inputs = random_inputs(plan.inputs, 4, 1)
    ours, theirs = (run(library, content, plan, inputs, build_cache, name) for name in (renode, qemu))
    assert raw(ours) == raw(theirs)
    wraps = theirs.instructions // (1 << 23) + 1
    assert abs(ours.instructions - theirs.instructions) <= INSTRUCTIONS_APART + INSTRUCTIONS_A_WRAP * wraps


def test_an_operator_that_micro_lacks_is_unsupported_by_name(library: MicroLibrary, build_cache: Path):
    plan = plan_model(random_model("CONV_2D", "int8", 2).write())
    model = MicroModel(b"", plan.inputs, plan.outputs, ("RFFT2D",))
    with pytest.raises(Unsupported, match="RFFT2D has no kernel"):
        build_for(library, MPS2_CORTEX_M4, model, build_cache)


def test_a_model_that_micro_refuses_says_at_which_operator(
    library: MicroLibrary, qemu: str, shared_models: Path, build_cache: Path
):
    """Float values with int8 weights, which Micro does not mix."""
    content = (shared_models / "keyword_spotting/kws_ref_model_float32.tflite").read_bytes()
    tensors = read_model(content)
    inputs, outputs = (
        [PlanTensor(t.name, t.shape, t.dtype, None, None) for t in side] for side in (tensors.inputs, tensors.outputs)
    )
    model = MicroModel.read(content, inputs, outputs)
    firmware = build_for(library, MPS2_CORTEX_M4, model, build_cache)
    with pytest.raises(Unsupported, match=r"failed at or after preparing operator \d+ \(CONV_2D\)"):
        run_micro_job(firmware, MPS2_CORTEX_M4, EMULATORS[qemu], model, random_inputs(inputs, 1, 1), TIMEOUT)


def test_inputs_of_another_size_are_refused(library: MicroLibrary, qemu: str, build_cache: Path):
    content = random_model("CONV_2D", "int8", 2).write()
    plan, other = plan_model(content), plan_model(random_model("SOFTMAX", "int8", 2).write())
    model = MicroModel.read(content, other.inputs, plan.outputs)
    firmware = build_for(library, MPS2_CORTEX_M4, model, build_cache)
    with pytest.raises(Unsupported, match="the inputs are not of the size"):
        run_micro_job(firmware, MPS2_CORTEX_M4, EMULATORS[qemu], model, random_inputs(other.inputs, 1, 1), TIMEOUT)
