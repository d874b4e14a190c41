"""Microcontrollers under emulation as targets: the project's firmware and plan runtime on QEMU and Renode."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.environment import environment
from harness.errors import Failed, Unavailable, Unsupported
from harness.model import Tensors
from harness.paths import cache_directory
from harness.target import DEFAULT_LIMITS, Footprint, Limits, Readiness, Session, Target, Timing, TimingPlan

from .boards import BOARDS, Board
from .emulator.outcome import JobResult
from .emulator.run import EMULATORS, Emulator, run_job
from .plan import Plan, PlanRefused, plan_model, unsupported_operators
from .toolchain import build_firmware


class PlanSession(Session):
    """A planned model; each `infer` is one start of the emulator with all samples in it."""

    def __init__(self, target: PlanTarget, artifact: Artifact, plan: Plan, limits: Limits) -> None:
        self.target = target
        self.artifact = artifact
        self.plan = plan
        self.limits = limits
        self.result: JobResult | None = None

    def infer(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        """The first sample runs twice: an instruction count that does not repeat is a fault, not a figure."""
        ordered = sorted(self.artifact.inputs, key=lambda info: info.index)
        jobs = [
            b"".join(samples[info.name][s].tobytes() for info in ordered) for s in range(len(samples[ordered[0].name]))
        ]
        try:
            result = run_job(
                self.target.board,
                self.target.emulator.name,
                self.plan,
                [jobs[0], *jobs],
                1,
                self.limits.infer_seconds,
                cache_directory() / "firmware",
            )
        except PlanRefused as error:
            raise Unsupported(str(error)) from error
        twice = [run.instructions[0] for run in result.runs[:2]]
        if twice[0] != twice[1]:
            raise Failed(f"{self.target.name} took {twice[0]} instructions and then {twice[1]} for the same input.")
        self.result = result
        outputs = sorted(self.artifact.outputs, key=lambda info: info.index)
        return {
            info.name: np.stack([run.outputs[position] for run in result.runs[1:]])
            for position, info in enumerate(outputs)
        }

    def time(self, samples: Tensors, plan: TimingPlan) -> Timing:
        raise Unsupported(f"{self.target.name} is not timed: an emulator knows instructions, not milliseconds.")

    def footprint(self) -> Footprint:
        """Sizes against the board's, and instructions of the first sample, in all and per operator."""
        if self.result is None:
            return Footprint()
        result, board = self.result, self.target.board
        outputs = b"".join(tensor.tobytes() for run in result.runs[1:] for tensor in run.outputs)
        figures = {
            "instructions": result.instructions,
            "arena_bytes": result.arena_bytes,
            "stack_bytes": result.stack_used,
            "ram_bytes": result.ram_bytes,
            "flash_bytes": result.flash_bytes,
            "plan_bytes": result.plan_bytes,
            "firmware_bytes": result.flash_bytes - result.plan_bytes,
            "board_ram_bytes": board.ram_bytes,
            "board_flash_bytes": board.flash_bytes,
            "outputs_crc32": zlib.crc32(outputs),
        }
        counts = result.runs[0].operator_instructions
        per_operator = tuple(
            {"index": operator.index, "operator": operator.name, "instructions": count}
            for operator, count in zip(self.plan.operators, counts, strict=True)
        )
        return Footprint(figures, frozenset(figures), per_operator)


class PlanTarget(Target):
    """One board under one emulator."""

    format = "tflite"
    timed = False
    simulated = True
    slot = "emulator"

    def __init__(self, name: str, emulator: Emulator, board: Board, variants: tuple[str, ...]) -> None:
        self.name = name
        self.emulator = emulator
        self.board = board
        self.default_variants = variants

    def probe(self) -> Readiness:
        try:
            version = self.emulator.version()
        except Unavailable as error:
            _, _, how = str(error).partition(": ")
            return Readiness(False, missing={"qemu": "QEMU", "renode": "Renode"}[self.emulator.name], install=how)
        state = "installed" if environment("zig").ready() else "installed on first use"
        details = {self.emulator.name: version, "board": self.board.description, "compiler": f"zig, {state}"}
        return Readiness(True, details=details)

    def prepare(self) -> None:
        build_firmware(self.board, cache_directory() / "firmware")

    def fingerprint(self) -> dict[str, str]:
        firmware = build_firmware(self.board, cache_directory() / "firmware")
        return {
            self.emulator.name: self.emulator.version(),
            "board": self.board.name,
            "core": self.board.cpu,
            "runtime": "plan",
            "firmware": firmware.sha256,
            **environment("zig").versions(),
        }

    def coverage(self, artifact: Artifact) -> tuple[str, ...]:
        """What the plan runtime has no kernel for, read from the model itself."""
        try:
            return tuple(
                dict.fromkeys(found.reason.rstrip(".") for found in unsupported_operators(artifact.path.read_bytes()))
            )
        except PlanRefused as error:
            return (str(error).rstrip("."),)

    @contextmanager
    def open(self, artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> Iterator[Session]:
        try:
            plan = plan_model(artifact.path.read_bytes())
        except PlanRefused as error:
            raise Unsupported(str(error)) from error
        yield PlanSession(self, artifact, plan, limits)


def targets() -> list[Target]:
    """Every board on every emulator that has it; the default matrix takes the Cortex-M4 on both and a stock
    board on QEMU."""
    qemu, renode = EMULATORS["qemu"], EMULATORS["renode"]
    usual = ("int8",)
    rows = (
        ("mcu/qemu-cortex-m4", qemu, "mps2-cortex-m4", usual),
        ("mcu/qemu-cortex-m3", qemu, "mps2-cortex-m3", ()),
        ("mcu/qemu-stm32f4", qemu, "stm32f4", usual),
        ("mcu/renode-cortex-m4", renode, "mps2-cortex-m4", usual),
        ("mcu/renode-cortex-m3", renode, "mps2-cortex-m3", ()),
        ("mcu/renode-cortex-m7", renode, "mps2-cortex-m7", ()),
        ("mcu/renode-cortex-m33", renode, "mps2-cortex-m33", ()),
        ("mcu/renode-stm32f4", renode, "stm32f4", ()),
    )
    return [PlanTarget(name, emulator, BOARDS[board], variants) for name, emulator, board, variants in rows]
