"""Runs a plan on inputs: outputs and counts from one call."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ..boards import Board
from ..job import INFERENCES_LIMIT, SelfTest, check_fit, inputs_that_fit, pack_job
from ..plan import Plan, PlanRefused
from ..toolchain import Firmware, build_firmware
from .frames import Report
from .job_result import JobResult, JobRun, ProtocolBroken, split_outputs
from .qemu import Qemu
from .renode import Renode
from .stop_condition import RUN_TO_END, StopCondition


class Emulator(Protocol):
    """A program that runs firmware on an emulated board."""

    name: str

    def version(self) -> str: ...

    def runs(self, board: Board) -> bool: ...

    def start(
        self,
        board: Board,
        firmware: Path,
        job: Path,
        directory: Path,
        timeout: float,
        enough: StopCondition = RUN_TO_END,
    ) -> Report: ...

    def instructions(self, board: Board, ticks: int) -> int: ...


EMULATORS: dict[str, Emulator] = {"qemu": Qemu(), "renode": Renode()}


def run_job(
    board: Board,
    emulator: str,
    plan: Plan,
    inputs: Sequence[bytes],
    runs: int,
    timeout: float,
    cache: Path,
    self_test: SelfTest = SelfTest.NONE,
    *,
    sequence: bool = False,
    enough: StopCondition = RUN_TO_END,
) -> JobResult:
    """Runs every input `runs` times with the plan runtime, as `run_image` does.

    Firmware with the plan's kernels is built into `cache` where it is not there yet.
    """
    firmware = build_firmware(board, plan.kernels, cache)
    check_fit(board, firmware, plan.size)
    return run_image(
        firmware, board, EMULATORS[emulator], plan, inputs, runs, timeout, self_test, sequence=sequence, enough=enough
    )


def run_image(
    firmware: Firmware,
    board: Board,
    machine: Emulator,
    plan: Plan,
    inputs: Sequence[bytes],
    runs: int,
    timeout: float,
    self_test: SelfTest = SelfTest.NONE,
    *,
    sequence: bool = False,
    enough: StopCondition = RUN_TO_END,
) -> JobResult:
    """Runs every input `runs` times in as few starts of the emulator as the board's memory allows, or, of the inputs
    from the first, as many as are `enough`: the result has as many runs.

    `plan` is what the image takes for one: Micro's images take a `.tflite` in its place. `inputs` holds for each
    inference the bytes of the model's inputs, in the model's order. `timeout` is in seconds, for each start.
    `sequence`: they are one stream, which one start has to hold. Raises `PlanRefused` where it cannot.
    """
    batch = max(1, min(inputs_that_fit(board, firmware, plan.size), INFERENCES_LIMIT // max(1, runs)))
    if sequence and len(inputs) > batch:
        raise PlanRefused(
            f"{board.name} has room for {batch} of the {len(inputs)} samples of this sequence, and the state at the "
            "end of one start is not known to the next; give a shorter sequence in `data`."
        )
    began = time.monotonic()
    results: list[JobRun] = []
    stack_used = 0
    report = Report()
    for first in range(0, len(inputs), batch):
        part = inputs[first : first + batch]
        with tempfile.TemporaryDirectory(prefix="mcu-job-") as name:
            directory = Path(name)
            job = directory / "job.bin"
            job.write_bytes(pack_job(plan, part, runs, self_test, sequence=sequence))
            left = StopCondition(began + enough.seconds - time.monotonic(), max(1, enough.inputs - len(results)))
            report = machine.start(board, firmware.elf, job, directory, timeout, left)
        done = min(len(part), report.inputs_done) if left.seconds < math.inf else len(part)
        results.extend(_job_run(report, index, board, machine, plan, runs) for index in range(done))
        stack_used = max(stack_used, report.stack_used)
        if done < len(part) or (time.monotonic() - began > enough.seconds and len(results) >= enough.inputs):
            break
    return JobResult(
        board=board.name,
        emulator=machine.name,
        emulator_version=machine.version(),
        runs=tuple(results),
        arena_bytes=report.arena_bytes,
        stack_used=stack_used,
        stack_size=report.stack_size,
        plan_bytes=len(plan.blob),
        sections=firmware.sections,
        firmware_sha256=firmware.sha256,
        seconds=time.monotonic() - began,
    )


def _job_run(report: Report, index: int, board: Board, machine: Emulator, plan: Plan, runs: int) -> JobRun:
    ticks = report.run_ticks.get(index, [])
    if len(ticks) != runs or index not in report.output_crc:
        raise ProtocolBroken(f"The firmware reported {len(ticks)} of {runs} runs of input {index}.")
    return JobRun(
        outputs=split_outputs(report.output(index), [(tensor.shape, tensor.dtype) for tensor in plan.outputs]),
        output_crc=report.output_crc[index],
        instructions=tuple(
            machine.instructions(board, after) - machine.instructions(board, before) for before, after in ticks
        ),
        operator_instructions=tuple(machine.instructions(board, c) for c in report.operator_ticks.get(index, [])),
    )
