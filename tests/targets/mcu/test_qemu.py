"""Jobs on QEMU's boards: the same bytes as on the host, the same counts every time, and failures that are reported."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.artifact import Artifact
from harness_targets.mcu.boards import BOARDS, MPS2_CORTEX_M3, MPS2_CORTEX_M4, STM32F4, Board
from harness_targets.mcu.emulator import EMULATORS, EmulatorTimedOut, run_job
from harness_targets.mcu.emulator.job_result import FirmwareFault, JobRefused
from harness_targets.mcu.emulator.run import run_image
from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.job import DoesNotFit, SelfTest
from harness_targets.mcu.plan import Plan, plan_model
from harness_targets.mcu.plan.format import STEPS
from harness_targets.mcu.toolchain import Firmware, build_firmware

from .model_writer import ModelWriter
from .random_operators import FORMS, random_inputs, random_model

TIMEOUT = 60.0
ON_QEMU = [board for board in BOARDS.values() if board.qemu_machine]
# Micro's reference kernels on a Cortex-M4, as measured: the plan runtime must never need more.
REFERENCE_INSTRUCTIONS = {
    "keyword_spotting/kws_ref_model.tflite": 43_100_000,
    "anomaly_detection/ad01_int8.tflite": 1_950_000,
    "image_classification/pretrainedResnet_quant.tflite": 107_000_000,
}


def small_plan(name: str = "CONV_2D", seed: int = 2, dtype: str = "int8") -> Plan:
    return plan_model(random_model(name, dtype, seed).write())


def raw(outputs: tuple[np.ndarray, ...]) -> bytes:
    return b"".join(tensor.tobytes() for tensor in outputs)


@pytest.mark.parametrize("board", ON_QEMU, ids=lambda board: board.name)
def test_a_model_of_the_zoo_gives_the_hosts_bytes_and_equal_counts(
    board: Board,
    zoo_artifact: Callable[[str, str], Artifact],
    qemu: str,
    host_kernels: HostKernels,
    build_cache: Path,
):
    content = zoo_artifact("digits_cnn", "int8").path.read_bytes()
    assert instructions_of_the_hosts_bytes(content, board, qemu, host_kernels, build_cache) > 0


@pytest.mark.parametrize("board", ON_QEMU, ids=lambda board: board.name)
def test_real_models_give_the_hosts_bytes_and_equal_counts(
    board: Board, shared_models: Path, qemu: str, host_kernels: HostKernels, build_cache: Path
):
    for path, limit in REFERENCE_INSTRUCTIONS.items():
        content = (shared_models / path).read_bytes()
        assert 0 < instructions_of_the_hosts_bytes(content, board, qemu, host_kernels, build_cache) <= limit


def instructions_of_the_hosts_bytes(
    content: bytes, board: Board, qemu: str, host_kernels: HostKernels, build_cache: Path
) -> int:
    """What an inference takes, which gives the host's bytes, and the same count whenever it is run."""
    plan = plan_model(content)
    inputs = random_inputs(plan.inputs, 3, 2)
    result = run_job(board, qemu, plan, inputs, 2, TIMEOUT, build_cache)
    assert [raw(run.outputs) for run in result.runs] == host_kernels.run(plan, inputs)
    assert result.repeatable
    again = run_job(board, qemu, plan, inputs, 2, TIMEOUT, build_cache)
    assert [run.instructions for run in again.runs] == [run.instructions for run in result.runs]
    return result.instructions


@pytest.fixture(scope="module")
def whole_image(build_cache: Path) -> Callable[[Board], Firmware]:
    """A board's image with every kernel, which serves all operators: linking one for each takes most of their time."""
    return functools.cache(lambda board: build_firmware(board, set(STEPS), build_cache))


@pytest.mark.sweep(3)
@pytest.mark.parametrize("board", ON_QEMU, ids=lambda board: board.name)
@pytest.mark.parametrize("dtype", ["int8", "int16", "float32"])
def test_every_operator_gives_the_hosts_bytes(
    dtype: str, board: Board, qemu: str, host_kernels: HostKernels, whole_image: Callable[[Board], Firmware]
):
    for name in [name for name, form in FORMS if form == dtype]:
        plan = small_plan(name, dtype=dtype)
        inputs = random_inputs(plan.inputs, 4, 2)
        result = run_image(whole_image(board), board, EMULATORS[qemu], plan, inputs, 1, TIMEOUT)
        assert [raw(run.outputs) for run in result.runs] == host_kernels.run(plan, inputs), name


@pytest.mark.sweep(6)
@pytest.mark.parametrize("board", ON_QEMU, ids=lambda board: board.name)
@pytest.mark.parametrize(("name", "dtype"), FORMS)
def test_an_image_of_an_operators_own_kernels_gives_the_hosts_bytes(
    name: str, dtype: str, board: Board, qemu: str, host_kernels: HostKernels, build_cache: Path
):
    plan = small_plan(name, dtype=dtype)
    inputs = random_inputs(plan.inputs, 4, 2)
    result = run_job(board, qemu, plan, inputs, 1, TIMEOUT, build_cache)
    assert [raw(run.outputs) for run in result.runs] == host_kernels.run(plan, inputs)


def test_operators_instructions_add_up_to_the_total(qemu: str, build_cache: Path):
    plan = small_plan()
    run = run_job(MPS2_CORTEX_M4, qemu, plan, random_inputs(plan.inputs, 5, 1), 1, TIMEOUT, build_cache).runs[0]
    overhead = run.instructions[0] - sum(run.operator_instructions)
    assert 0 <= overhead < 300 * (len(plan.operators) + 1)


def test_a_result_says_what_the_firmware_needs(qemu: str, build_cache: Path):
    plan = small_plan()
    result = run_job(MPS2_CORTEX_M3, qemu, plan, random_inputs(plan.inputs, 5, 1), 1, TIMEOUT, build_cache)
    assert 0 < result.stack_used < result.stack_size
    assert result.arena_bytes == plan.arena_bytes
    assert result.flash_bytes > result.plan_bytes
    assert result.ram_bytes > result.arena_bytes


def test_a_fault_is_reported(qemu: str, build_cache: Path):
    plan = small_plan()
    with pytest.raises(FirmwareFault, match="usage fault"):
        run_job(MPS2_CORTEX_M4, qemu, plan, random_inputs(plan.inputs, 1, 1), 1, TIMEOUT, build_cache, SelfTest.FAULT)


@pytest.mark.parametrize("board", ON_QEMU, ids=lambda board: board.name)
def test_a_stack_overflow_is_reported(board: Board, qemu: str, build_cache: Path):
    plan = small_plan()
    with pytest.raises(FirmwareFault, match="stack overflowed"):
        run_job(board, qemu, plan, random_inputs(plan.inputs, 1, 1), 1, TIMEOUT, build_cache, SelfTest.STACK_OVERFLOW)


def emulators_running() -> set[str]:
    listing = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    return {line for line in listing.splitlines() if "qemu-system-arm" in line and str(os.getpid()) in line.split()}


def test_a_hang_ends_at_the_time_limit_and_leaves_no_process(qemu: str, build_cache: Path):
    plan = small_plan()
    with pytest.raises(EmulatorTimedOut):
        run_job(MPS2_CORTEX_M4, qemu, plan, random_inputs(plan.inputs, 1, 1), 1, 3.0, build_cache, SelfTest.HANG)
    assert not emulators_running()


def test_a_model_too_big_for_the_board_says_what_is_missing(qemu: str, build_cache: Path):
    model = ModelWriter()
    source = model.input((1, 200_000), scale=0.1)
    model.operator("RELU6", [source], [model.output((1, 200_000), scale=0.1)])
    plan = plan_model(model.write())
    with pytest.raises(DoesNotFit, match=r"\d+ bytes of RAM are missing") as caught:
        run_job(STM32F4, qemu, plan, random_inputs(plan.inputs, 1, 1), 1, TIMEOUT, build_cache)
    assert caught.value.missing_bytes > 200_000


def wide_layer(units: int) -> Plan:
    model = ModelWriter()
    source = model.input((1, 1000), scale=0.1)
    weights = model.constant(np.random.default_rng(1).integers(-9, 9, (units, 1000)).astype(np.int8), scale=0.01)
    target = model.output((1, units), scale=0.1)
    model.operator("FULLY_CONNECTED", [source, weights, -1], [target], "FullyConnectedOptions")
    return plan_model(model.write())


def test_a_model_may_take_all_the_flash_that_the_firmware_leaves(
    qemu: str, host_kernels: HostKernels, build_cache: Path
):
    """Its inputs are no part of a product: what room is left decides how often the emulator starts, and no more."""
    plan = wide_layer(1020)
    inputs = random_inputs(plan.inputs, 1, 9)
    result = run_job(STM32F4, qemu, plan, inputs, 1, TIMEOUT, build_cache)
    assert 0.99 < result.flash_bytes / STM32F4.flash_bytes < 1
    assert [raw(run.outputs) for run in result.runs] == host_kernels.run(plan, inputs)


def test_a_model_that_is_too_big_for_the_flash_says_what_is_missing(qemu: str, build_cache: Path):
    plan = wide_layer(1030)
    firmware = build_firmware(STM32F4, plan.kernels, build_cache)
    with pytest.raises(DoesNotFit, match=r"\d+ bytes of flash are missing for its plan of \d+ beside") as caught:
        run_job(STM32F4, qemu, plan, random_inputs(plan.inputs, 1, 1), 1, TIMEOUT, build_cache)
    assert caught.value.missing_bytes == firmware.flash_bytes + len(plan.blob) - STM32F4.flash_bytes


def test_a_damaged_plan_is_refused_by_the_firmware(qemu: str, build_cache: Path):
    plan = small_plan()
    damaged = bytearray(plan.blob)
    damaged[len(damaged) // 2] ^= 1
    forged = Plan(bytes(damaged), plan.arena_bytes, plan.inputs, plan.outputs, plan.operators)
    with pytest.raises(JobRefused, match="its checksum is wrong"):
        run_job(MPS2_CORTEX_M3, qemu, forged, random_inputs(plan.inputs, 1, 1), 1, TIMEOUT, build_cache)


def test_a_step_whose_kernel_was_left_out_is_refused(qemu: str, build_cache: Path):
    plan = small_plan("SOFTMAX")
    firmware = build_firmware(MPS2_CORTEX_M4, small_plan("CONV_2D").kernels, build_cache)
    with pytest.raises(JobRefused, match="one that this image has no kernel for"):
        run_image(firmware, MPS2_CORTEX_M4, EMULATORS[qemu], plan, random_inputs(plan.inputs, 1, 1), 1, TIMEOUT)


def test_counts_do_not_depend_on_what_else_is_linked(qemu: str, build_cache: Path):
    plan = small_plan()
    inputs = random_inputs(plan.inputs, 5, 1)
    alone = run_job(MPS2_CORTEX_M4, qemu, plan, inputs, 1, TIMEOUT, build_cache)
    firmware = build_firmware(MPS2_CORTEX_M4, set(STEPS), build_cache)
    beside = run_image(firmware, MPS2_CORTEX_M4, EMULATORS[qemu], plan, inputs, 1, TIMEOUT)
    assert alone.instructions == beside.instructions
    assert alone.flash_bytes < beside.flash_bytes
