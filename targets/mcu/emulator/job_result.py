"""The result of a job, and the exceptions of a job that has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import Crashed, TimedOut, Unavailable

from ..plan import PlanRefused


class JobRefused(PlanRefused):
    """The firmware looked at the job and would not run it; `status` and `detail` are those of its ERROR frame."""

    def __init__(self, message: str, status: int = 0, detail: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail


class FirmwareFault(Crashed):
    """The firmware reported a fault of the processor, or that its stack overflowed."""

    def __init__(self, message: str, stack_overflow: bool = False) -> None:
        super().__init__(message)
        self.stack_overflow = stack_overflow


class EmulatorCrashed(Crashed):
    """The emulator ended before the firmware did."""


class EmulatorTimedOut(TimedOut):
    """The emulator was killed at its time limit."""


class ProtocolBroken(Crashed):
    """Frames are missing, damaged or make no sense."""


class EmulatorUnavailable(Unavailable):
    """The emulator is not installed; the message says how to get it."""


@dataclass(frozen=True)
class JobRun:
    """One input. `instructions` has one count a run, `operator_instructions` one an operator (of the last run)."""

    outputs: tuple[NDArray[Any], ...]
    output_crc: int
    instructions: tuple[int, ...]
    operator_instructions: tuple[int, ...]


@dataclass(frozen=True)
class JobResult:
    """All inputs of a job on one board under one emulator. Sizes in bytes; `sections` are the firmware's own.

    `instructions` are counted by the board's timer, so they are exact and the same at every repetition; they say
    nothing about the time that real silicon would take.
    """

    board: str
    emulator: str
    emulator_version: str
    runs: tuple[JobRun, ...]
    arena_bytes: int
    stack_used: int
    stack_size: int
    plan_bytes: int
    sections: dict[str, int]
    firmware_sha256: str
    seconds: float

    @property
    def instructions(self) -> int:
        """Instructions of one inference: the first input's first run."""
        return self.runs[0].instructions[0]

    @property
    def repeatable(self) -> bool:
        """Every run of one input took the same number of instructions."""
        return all(len(set(run.instructions)) == 1 for run in self.runs)

    @property
    def flash_bytes(self) -> int:
        """Firmware and model."""
        return self.sections.get(".text", 0) + self.sections.get(".data", 0) + self.plan_bytes

    @property
    def ram_bytes(self) -> int:
        """Static data, the stack as reserved, and the model's arena."""
        return sum(self.sections.get(name, 0) for name in (".stack", ".data", ".bss")) + self.arena_bytes


def split_outputs(raw: bytes, shapes: list[tuple[tuple[int, ...], str]]) -> tuple[NDArray[Any], ...]:
    """The tensors of one inference, from their bytes one after the other."""
    tensors = []
    offset = 0
    for shape, dtype in shapes:
        item = np.dtype(dtype).newbyteorder("<")
        nbytes = int(np.prod(shape, dtype=np.int64)) * item.itemsize
        if offset + nbytes > len(raw):
            raise ProtocolBroken(f"{len(raw)} bytes of output arrived, fewer than the model has.")
        tensors.append(np.frombuffer(raw, item, nbytes // item.itemsize, offset).reshape(shape).copy())
        offset += nbytes
    if offset != len(raw):
        raise ProtocolBroken(f"{len(raw)} bytes of output arrived, more than the model has.")
    return tuple(tensors)
