"""Microcontrollers under emulation as targets: the project's firmware on QEMU and Renode, with its plan runtime or with
the user's own TensorFlow Lite Micro in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from harness.artifact import Artifact
from harness.environment import environment
from harness.errors import Unavailable, Unsupported
from harness.paths import cache_directory
from harness.target import DEFAULT_LIMITS, Limits, Readiness, Session, Target

from .boards import BOARDS, Board
from .emulator.outcome import JobResult
from .emulator.run import EMULATORS, Emulator, run_job
from .micro.library import LIBRARY_VARIABLE
from .micro.target import LibraryTarget
from .plan import Plan, PlanRefused, lacking, plan_model
from .session import EmulatedSession
from .toolchain import build_firmware


class PlanSession(EmulatedSession):
    """A planned model."""

    def __init__(self, target: PlanTarget, artifact: Artifact, plan: Plan, limits: Limits) -> None:
        super().__init__(target.name, target.board, artifact)
        self.emulator = target.emulator
        self.plan = plan
        self.limits = limits

    def run(self, inputs: Sequence[bytes]) -> JobResult:
        cache = cache_directory() / "firmware"
        return run_job(self.board, self.emulator.name, self.plan, inputs, 1, self.limits.infer_seconds, cache)

    def operators(self) -> Sequence[tuple[int, str]]:
        return [(operator.index, operator.name) for operator in self.plan.operators]


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
            return lacking(artifact.path.read_bytes())
        except PlanRefused as error:
            return (f"this model ({str(error).rstrip('.')})",)

    @contextmanager
    def open(self, artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> Iterator[Session]:
        try:
            plan = plan_model(artifact.path.read_bytes())
        except PlanRefused as error:
            raise Unsupported(str(error)) from error
        yield PlanSession(self, artifact, plan, limits)


def targets() -> list[Target]:
    """Every board on every emulator that has it; the default matrix takes the Cortex-M4 on both, the M3 and a stock
    board on QEMU, and the user's own library once there is one."""
    qemu, renode = EMULATORS["qemu"], EMULATORS["renode"]
    usual = ("int8",)
    rows = (
        ("mcu/qemu-cortex-m4", qemu, "mps2-cortex-m4", usual),
        ("mcu/qemu-cortex-m3", qemu, "mps2-cortex-m3", usual),
        ("mcu/qemu-stm32f4", qemu, "stm32f4", usual),
        ("mcu/renode-cortex-m4", renode, "mps2-cortex-m4", usual),
        ("mcu/renode-cortex-m3", renode, "mps2-cortex-m3", ()),
        ("mcu/renode-cortex-m7", renode, "mps2-cortex-m7", ()),
        ("mcu/renode-cortex-m33", renode, "mps2-cortex-m33", ()),
        ("mcu/renode-stm32f4", renode, "stm32f4", ()),
    )
    library = usual if os.environ.get(LIBRARY_VARIABLE) else ()
    library_rows = (
        ("mcu/qemu-cortex-m4-tflm", qemu, "mps2-cortex-m4", library),
        ("mcu/qemu-cortex-m3-tflm", qemu, "mps2-cortex-m3", ()),
        ("mcu/renode-cortex-m4-tflm", renode, "mps2-cortex-m4", library),
        ("mcu/renode-cortex-m3-tflm", renode, "mps2-cortex-m3", ()),
    )
    return [
        *(PlanTarget(name, emulator, BOARDS[board], variants) for name, emulator, board, variants in rows),
        *(LibraryTarget(name, emulator, BOARDS[board], variants) for name, emulator, board, variants in library_rows),
    ]
