"""Renode runs the same image as QEMU: the same bytes and, within one instruction, the same counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness_targets.mcu.boards import BOARDS, MPS2_CORTEX_M4, Board
from harness_targets.mcu.emulator import EmulatorTimedOut, run_job
from harness_targets.mcu.emulator.job_result import FirmwareFault
from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.job import SelfTest
from harness_targets.mcu.plan import plan_model

from .random_operators import random_inputs, random_model

TIMEOUT = 120.0
# A run may begin on either side of a tick; where SysTick wraps (every 2^24 ticks, which last differently on the two
# emulators) its interrupt costs a few instructions more. Seen over the zoo: at most 1 without a wrap, 6 with each.
INSTRUCTIONS_APART = 2
INSTRUCTIONS_A_WRAP = 6


@pytest.mark.parametrize("board", [b for b in BOARDS.values() if b.renode_platform], ids=lambda board: board.name)
def test_renode_gives_the_hosts_bytes(board: Board, renode: str, host_kernels: HostKernels, build_cache: Path):
    plan = plan_model(random_model("CONV_2D", "int8", 2).write())
    inputs = random_inputs(plan.inputs, 3, 3)
    result = run_job(board, renode, plan, inputs, 2, TIMEOUT, build_cache)
    outputs = [b"".join(tensor.tobytes() for tensor in run.outputs) for run in result.runs]
    assert outputs == host_kernels.run(plan, inputs)
    assert result.repeatable


@pytest.mark.parametrize(
    "board", [b for b in BOARDS.values() if b.renode_platform and b.qemu_machine], ids=lambda board: board.name
)
def test_both_emulators_count_the_same_instructions(
    board: Board, renode: str, qemu: str, shared_models: Path, build_cache: Path
):
    plan = plan_model((shared_models / "keyword_spotting/kws_ref_model.tflite").read_bytes())
    inputs = random_inputs(plan.inputs, 3, 2)
    ours, theirs = (run_job(board, name, plan, inputs, 1, TIMEOUT, build_cache) for name in (renode, qemu))
    assert [run.output_crc for run in ours.runs] == [run.output_crc for run in theirs.runs]
    wraps = ours.instructions // (1 << 23) + 1
    assert abs(ours.instructions - theirs.instructions) <= INSTRUCTIONS_APART + INSTRUCTIONS_A_WRAP * wraps


def test_a_stack_overflow_is_reported(renode: str, build_cache: Path):
    plan = plan_model(random_model("CONV_2D", "int8", 2).write())
    with pytest.raises(FirmwareFault, match="stack overflowed"):
        run_job(
            MPS2_CORTEX_M4,
            renode,
            plan,
            random_inputs(plan.inputs, 1, 1),
            1,
            TIMEOUT,
            build_cache,
            SelfTest.STACK_OVERFLOW,
        )


def test_a_hang_ends_at_the_time_limit(renode: str, build_cache: Path):
    plan = plan_model(random_model("CONV_2D", "int8", 2).write())
    with pytest.raises(EmulatorTimedOut):
        run_job(MPS2_CORTEX_M4, renode, plan, random_inputs(plan.inputs, 1, 1), 1, 8.0, build_cache, SelfTest.HANG)
