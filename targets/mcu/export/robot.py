"""`harness robot`: a case as a Robot Framework suite that stock `renode-test` runs in anybody's CI.

A folder holds all of it: the firmware, the job (plan and inputs), the board, what is expected, and the suite. What is
expected comes from TensorFlow Lite Micro on the host, not from the firmware that is put to the test.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import jinja2

from harness.errors import CaseError, HarnessError, Unavailable, Unsupported
from harness.paths import cache_directory
from harness.remedies.explain import reason
from harness.store.runs import write_atomically
from harness.target import does_not_run

from ..boards import BOARDS, Board
from ..emulator.job_result import JobResult
from ..emulator.renode import MILLION_INSTRUCTIONS_A_SECOND, PLATFORMS, QUANTUM_SECONDS
from ..emulator.run import EMULATORS, run_job
from ..job import check_fit, inputs_that_fit, job_range, pack_job
from ..plan import Plan, PlanRefused, plan_model, unsupported_phrases
from ..session import inputs_of
from ..toolchain import Firmware, build_firmware
from .golden_vectors import GoldenVectors, file_name, make_vectors

HERE = Path(__file__).parent
BUDGET_MARGIN_PERCENT = 1
_MEASURE_SECONDS = 300.0


@dataclass(frozen=True)
class InstructionBudget:
    """Instructions that an inference may take, and where the figure comes from."""

    instructions: int
    measured: int
    measured_on: str


def robot(model: str, variant: str, output: str | None, *, board: str, samples: int, budget: int | None) -> int:
    """Write the suite and say how to run it; 0. Raises `HarnessError`."""
    chosen = _board(board)
    if budget is not None and budget < 1:
        raise HarnessError(f"A budget of {budget} instructions cannot be kept: give a positive number.")
    vectors = make_vectors(model, variant, samples)
    folder = Path(output) if output else Path.cwd() / suite_name(vectors, chosen)
    suite, found = write_suite(vectors, chosen, folder, budget)
    print(f"Wrote {folder}; run it with: harness renode-test {suite} (or stock renode-test)")
    if found.measured > found.instructions:
        over = f"{found.measured} instructions on {found.measured_on}, and the budget is {found.instructions}"
        print(f"It will be red: an inference takes {over}.")
    return 0


def suite_name(vectors: GoldenVectors, board: Board) -> str:
    """Name of the folder and of the suite in it."""
    return file_name(f"{vectors.artifact.model}_{vectors.artifact.variant}_{board.name}")


def write_suite(
    vectors: GoldenVectors, board: Board, folder: Path, budget: int | None
) -> tuple[Path, InstructionBudget]:
    """The suite's file, once the firmware has been seen to give what is expected. Raises `HarnessError`."""
    inputs = inputs_of(vectors.artifact, vectors.samples)
    try:
        if missing := unsupported_phrases(vectors.content):
            raise Unsupported(does_not_run(board.name, missing))
        plan = plan_model(vectors.content)
        firmware = build_firmware(board, plan.kernels, cache_directory() / "firmware")
        check_fit(board, firmware, plan.size)
        room = inputs_that_fit(board, firmware, plan.size)
        if room < len(inputs):
            raise HarnessError(f"{board.name} has room for {room} samples of {vectors.artifact.model}: ask for fewer.")
        stream = vectors.artifact.sequence and vectors.artifact.state != "none"
        measured, emulator = _measure(board, plan, inputs, sequence=stream)
    except PlanRefused as error:
        raise HarnessError(f"{vectors.artifact.model} cannot be run on {board.name}: {error}") from error
    except CaseError as error:
        raise HarnessError(f"{vectors.artifact.model} cannot be run on {board.name}: {reason(error)}") from error
    _check_outputs(vectors, measured, emulator)
    most = max(count for run in measured.runs for count in run.instructions)
    allowed = InstructionBudget(budget or -(-most * (100 + BUDGET_MARGIN_PERCENT) // 100), most, emulator)
    return _write(folder, board, firmware, pack_job(plan, inputs, 1, sequence=stream), vectors, allowed), allowed


def _board(name: str) -> Board:
    known = [board.name for board in BOARDS.values() if board.renode_platform is not None]
    if name not in known:
        raise HarnessError(f"There is no board '{name}' for Renode; there are {', '.join(known)}.")
    return BOARDS[name]


def _measure(board: Board, plan: Plan, inputs: list[bytes], *, sequence: bool) -> tuple[JobResult, str]:
    """Measures on Renode where it is installed, else on QEMU, which counts the same within a few instructions."""
    missing: Unavailable | None = None
    for machine in (EMULATORS["renode"], EMULATORS["qemu"]):
        if not machine.runs(board):
            continue
        try:
            cache = cache_directory() / "firmware"
            result = run_job(board, machine.name, plan, inputs, 1, _MEASURE_SECONDS, cache, sequence=sequence)
        except Unavailable as error:
            missing = missing or error
            continue
        return result, f"{machine.name} {result.emulator_version}"
    raise missing or Unavailable(f"No emulator runs {board.name}.")


def _check_outputs(vectors: GoldenVectors, measured: JobResult, emulator: str) -> None:
    for index, (run, expected) in enumerate(zip(measured.runs, vectors.outputs, strict=True)):
        if b"".join(tensor.tobytes() for tensor in run.outputs) != b"".join(expected):
            raise HarnessError(
                f"{vectors.artifact.model} gives other bytes on {emulator} than TensorFlow Lite Micro for sample"
                f" {index}: `harness run --model {vectors.artifact.model}` says by how much."
            )


def suite_text(name: str, board: Board, job_address: int, title: str, samples: int, budget: InstructionBudget) -> str:
    """The suite. Its time limit is virtual, so a slow machine does not make it red."""
    assert board.renode_platform is not None
    instructions = max(budget.instructions, budget.measured) * samples
    asked = budget.instructions - budget.measured
    template = jinja2.Template(
        (HERE / "suite.robot.j2").read_text("utf-8"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    return template.render(
        name=name,
        title=title,
        budget=budget.instructions,
        measured=budget.measured,
        measured_on=budget.measured_on,
        margin=f", and {asked} to spare" if asked >= 0 else f", {-asked} more",
        # Output is printed by the same processor: twice the instructions and a few seconds are ample.
        seconds=10 + 2 * instructions // (MILLION_INSTRUCTIONS_A_SECOND * 1_000_000),
        own_platform=(PLATFORMS / board.renode_platform).exists(),
        platform=board.renode_platform,
        quantum=QUANTUM_SECONDS,
        mips=MILLION_INSTRUCTIONS_A_SECOND,
        job_address=f"{job_address:#x}",
        uart=board.renode_uart,
    )


def expected_text(vectors: GoldenVectors) -> str:
    """A line for each output of each sample: their numbers, and the bytes in hexadecimal."""
    lines = ["# sample, output, bytes: as TensorFlow Lite Micro computes them on the host"]
    for sample, outputs in enumerate(vectors.outputs):
        lines += [f"{sample} {position} {values.hex()}" for position, values in enumerate(outputs)]
    return "\n".join([*lines, ""])


def _write(
    folder: Path, board: Board, firmware: Firmware, job: bytes, vectors: GoldenVectors, budget: InstructionBudget
) -> Path:
    assert board.renode_platform is not None
    name = suite_name(vectors, board)
    job_address, _ = job_range(board, firmware)
    title = f"{vectors.artifact.model} {vectors.artifact.variant}".replace("_", " ").title()
    suite = folder / f"{name}.robot"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(firmware.elf, folder / "firmware.elf")
        (folder / "job.bin").write_bytes(job)
        if (PLATFORMS / board.renode_platform).exists():
            shutil.copyfile(PLATFORMS / board.renode_platform, folder / "board.repl")
        shutil.copyfile(HERE / "job_report.py", folder / "job_report.py")
        write_atomically(folder / "expected_outputs.txt", expected_text(vectors))
        write_atomically(suite, suite_text(name, board, job_address, title, len(vectors.outputs), budget))
    except OSError as error:
        raise HarnessError(f"{folder} cannot be written: {error.strerror}.") from error
    return suite
