"""One call from a model and inputs to Micro's outputs and counts on an emulated board."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import Unsupported

from ..boards import Board
from ..emulator.frames import Report
from ..emulator.outcome import JobRefused, JobResult, JobRun, ProtocolBroken, split_outputs
from ..emulator.run import Emulator
from ..job import INFERENCES_LIMIT, pack_job
from ..plan import Plan
from ..plan.model import operator_names
from ..plan.planner import PlanTensor
from ..toolchain import Firmware
from .build import build_micro_firmware
from .library import MicroLibrary
from .resolver import additions, methods_of

_JOB_HEADER_BYTES = 48
_ALIGNMENT = 16
# The ERROR frames of firmware/micro_job.cc.
_BAD_MODEL, _NOT_ALLOCATED, _NOT_INVOKED = 32, 33, 34


@dataclass(frozen=True)
class MicroModel:
    """A `.tflite` file as the job carries it, and the names of its operators in the order of execution."""

    content: bytes
    inputs: tuple[PlanTensor, ...]
    outputs: tuple[PlanTensor, ...]
    operators: tuple[str, ...]

    @classmethod
    def read(cls, content: bytes, inputs: Sequence[PlanTensor], outputs: Sequence[PlanTensor]) -> MicroModel:
        """Raises `PlanRefused` for what is no model."""
        return cls(content, tuple(inputs), tuple(outputs), tuple(operator_names(content)))

    def as_job_part(self) -> Plan:
        """The model in the place where other firmware finds its plan."""
        padded = self.content + bytes(-len(self.content) % _ALIGNMENT)
        return Plan(padded, 0, self.inputs, self.outputs, ())


def build_for(library: MicroLibrary, board: Board, model: MicroModel, cache: Path) -> Firmware:
    """The image that holds the model's operators. Raises `Unsupported` for one that Micro has not."""
    return build_micro_firmware(library, board, additions(model.operators, methods_of(library.headers)), cache)


def run_micro_job(
    firmware: Firmware, board: Board, machine: Emulator, model: MicroModel, inputs: Sequence[bytes], timeout: float
) -> JobResult:
    """Runs every input once, in as few starts of the emulator as the board's memory allows; `timeout` in seconds for
    each start. Raises `Unsupported` where Micro refuses the model."""
    part = model.as_job_part()
    room = board.job_bytes - _JOB_HEADER_BYTES - len(part.blob)
    if room < part.input_bytes:
        missing = part.input_bytes - room
        raise Unsupported(f"The model does not fit {board.name}: {missing} bytes of flash are missing.")
    batch = min(room // part.input_bytes, INFERENCES_LIMIT)
    began = time.monotonic()
    results: list[JobRun] = []
    stack_used = 0
    report = Report()
    for first in range(0, len(inputs), batch):
        chosen = inputs[first : first + batch]
        with tempfile.TemporaryDirectory(prefix="mcu-job-") as name:
            directory = Path(name)
            job = directory / "job.bin"
            job.write_bytes(pack_job(part, chosen, 1))
            try:
                report = machine.start(board, firmware.elf, job, directory, timeout)
            except JobRefused as error:
                raise Unsupported(_refusal(error, model)) from error
        results.extend(_job_run(report, index, board, machine, part) for index in range(len(chosen)))
        stack_used = max(stack_used, report.stack_used)
    return JobResult(
        board=board.name,
        emulator=machine.name,
        emulator_version=machine.version(),
        runs=tuple(results),
        arena_bytes=report.arena_bytes,
        stack_used=stack_used,
        stack_size=report.stack_size,
        plan_bytes=len(model.content),
        sections=firmware.sections,
        firmware_sha256=firmware.sha256,
        seconds=time.monotonic() - began,
    )


def _refusal(error: JobRefused, model: MicroModel) -> str:
    """Micro's release builds hold no messages: what is known is how far it came."""
    if error.status == _BAD_MODEL:
        return "TensorFlow Lite Micro does not take the model's schema version."
    if error.status not in (_NOT_ALLOCATED, _NOT_INVOKED):
        return str(error)
    doing = "preparing" if error.status == _NOT_ALLOCATED else "running"
    last = error.detail - 1
    if not 0 <= last < len(model.operators):
        return f"TensorFlow Lite Micro failed before {doing} the first operator: the model may be damaged."
    return f"TensorFlow Lite Micro failed at or after {doing} operator {last} ({model.operators[last]})."


def _job_run(report: Report, index: int, board: Board, machine: Emulator, part: Plan) -> JobRun:
    ticks = report.run_ticks.get(index, [])
    if len(ticks) != 1 or index not in report.output_crc:
        raise ProtocolBroken(f"The firmware reported {len(ticks)} runs of input {index}, not one.")
    before, after = ticks[0]
    return JobRun(
        outputs=split_outputs(report.output(index), [(tensor.shape, tensor.dtype) for tensor in part.outputs]),
        output_crc=report.output_crc[index],
        instructions=(machine.instructions(board, after) - machine.instructions(board, before),),
        operator_instructions=tuple(machine.instructions(board, c) for c in report.operator_ticks.get(index, [])),
    )
