"""A model on a board of silicon: samples in; outputs, cycles and sizes out. The port is open while something runs."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Sequence
from statistics import median_low
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.errors import Failed
from harness.model import Tensors
from harness.paths import cache_directory
from harness.target import Footprint, Loaded, Session, SessionTimeouts, Timing, TimingPlan

from ..boards.silicon import SiliconBoard
from ..emulator.frames import JOB_ERRORS, PLAN_ERRORS, Report
from ..emulator.job_result import JobRefused, ProtocolBroken, split_outputs
from ..plan import Plan, plan_model
from ..session import inputs_of
from ..toolchain import Firmware, build_firmware
from .clock import checked_clock
from .connection import Connection, connected
from .hardware_map import MapEntry
from .image import make_image
from .line import RUNS_LIMIT, Refusal, RetryTimeouts

REPEATS = 8
"""Runs of the first sample whose cycles make the spread, after one that fills the caches."""
_LONG_SECONDS = 2.0
"""A first run that took longer is repeated once."""


class SerialSession(Session):
    """Each `infer` brings its samples to the board one by one. Raises `PlanRefused` of a model without a plan."""

    def __init__(
        self,
        target: str,
        kind: SiliconBoard,
        entry: MapEntry,
        artifact: Artifact,
        limits: SessionTimeouts,
        patience: RetryTimeouts = RetryTimeouts(),  # noqa: B008
    ) -> None:
        self.target = target
        self.kind = kind
        self.entry = entry
        self.artifact = artifact
        self.limits = limits
        self.patience = patience
        self.content = artifact.path.read_bytes()
        self.board = kind.at(entry.baud)
        self.plan: Plan = plan_model(self.content)
        self.firmware: Firmware = build_firmware(self.board, self.plan.kernels, cache_directory() / "firmware")
        self.image = make_image(self.board, self.firmware, self.plan)
        self.is_stream = artifact.sequence and artifact.state != "none"
        self.cycles: tuple[int, ...] = ()
        self._first: Report | None = None
        self._outputs_crc: int | None = None
        self._details: dict[str, str] = {}

    def loaded(self) -> Loaded:
        """The file that the image was made of; the board says of itself by checksum that it has that image."""
        return Loaded({self.artifact.entry: hashlib.sha256(self.content).hexdigest()})

    def connection(self) -> Any:
        return connected(self.entry, self.kind, self.image, self.patience, self.limits.infer_seconds)

    def infer(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        return self._infer(samples, float("inf"))

    def infer_within(self, samples: Tensors, seconds: float) -> dict[str, NDArray[Any]]:
        return self._infer(samples, seconds)

    def _infer(self, samples: Tensors, seconds: float) -> dict[str, NDArray[Any]]:
        inputs = inputs_of(self.artifact, samples)
        outputs: list[tuple[NDArray[Any], ...]] = []
        with self.connection() as connection:
            begun = time.monotonic()
            for index, content in enumerate(inputs):
                report = self._run(connection, content, kept=self.is_stream and index > 0)
                outputs.append(self._split(report))
                if index == 0:
                    self._first = report
                    if not self.is_stream:
                        self._repeat(connection, content, outputs[0], time.monotonic() - begun)
                    begun = time.monotonic()
                if time.monotonic() - begun > seconds and not self.is_stream:
                    break
            self._note(connection)
        raw = b"".join(tensor.tobytes() for tensors in outputs for tensor in tensors)
        self._outputs_crc = zlib.crc32(raw) if len(outputs) == len(inputs) else None
        named = sorted(self.artifact.outputs, key=lambda info: info.index)
        return {info.name: np.stack([tensors[place] for tensors in outputs]) for place, info in enumerate(named)}

    def _run(self, connection: Connection, content: bytes, runs: int = 1, *, kept: bool = False) -> Report:
        """Raises `JobRefused` for what the firmware refuses, `ProtocolBroken`."""
        line, number = connection.line, connection.line.next_number()
        line.put(number, content)
        answer = line.run(number, content, runs, kept=kept)
        if isinstance(answer, Refusal):
            reason = JOB_ERRORS.get(answer.status, f"error {answer.status}")
            detail = f": {PLAN_ERRORS.get(answer.detail, answer.detail)}" if answer.status in (6, 7) else ""
            raise JobRefused(f"The firmware refused the job: {reason}{detail}.", answer.status, answer.detail)
        if [len(ticks) for ticks in answer.run_ticks.values()] != [runs] or len(answer.output_crc) != 1:
            raise ProtocolBroken(f"The board reported other than {runs} runs of one input.")
        # What comes over the line has the number of its request; all else counts inputs from 0.
        answer.outputs = {0: answer.outputs.get(number, {})}
        return answer

    def _repeat(self, connection: Connection, content: bytes, outputs: Sequence[NDArray[Any]], seconds: float) -> None:
        """The first sample again: for the spread of its cycles, and because other outputs are a fault."""
        wanted = 1 if seconds > _LONG_SECONDS or not connection.identity.counts_cycles else REPEATS
        runs = wanted if connection.identity.keeps_input else 1
        cycles: list[int] = []
        for _ in range(wanted // runs):
            report = self._run(connection, content, runs)
            if any(a.tobytes() != b.tobytes() for a, b in zip(self._split(report), outputs, strict=True)):
                raise Failed(f"{self.target} gave two different outputs for the same input.")
            cycles += _ticks(report)
        self.cycles = tuple(cycles) if connection.identity.counts_cycles else ()

    def _split(self, report: Report) -> tuple[NDArray[Any], ...]:
        return split_outputs(report.output(0), [(tensor.shape, tensor.dtype) for tensor in self.plan.outputs])

    def _note(self, connection: Connection) -> None:
        identity, line = connection.identity, connection.line.statistics
        self._details = {
            "board_id": self.entry.id,
            "counter": "the core's cycle counter" if identity.counts_cycles else "none",
            "clock": f"{identity.clock_hz} Hz by its registers" if identity.clock_hz else "not known",
            "line": f"{line.requests} requests, {line.repeated} made again, {line.damaged} lines damaged",
            "flashed": "now" if connection.flashed else "before",
        }

    def time(self, samples: Tensors, plan: TimingPlan) -> Timing:
        """Cycles of each run over the clock that the board read back and this machine saw. Raises `NoClock` where the
        core has no counter or nothing says how fast it counts."""
        content = inputs_of(self.artifact, samples)[0]
        with self.connection() as connection:
            hertz = checked_clock(connection.line, self.target)
            cycles: list[int] = []
            runs = RUNS_LIMIT if connection.identity.keeps_input else 1
            first = _ticks(self._run(connection, content))[0]
            begun = time.monotonic()
            while len(cycles) < plan.max_iterations:
                elapsed = time.monotonic() - begun
                enough = len(cycles) >= plan.min_iterations and sum(cycles) / hertz >= plan.min_seconds
                if cycles and (enough or elapsed > plan.max_seconds):
                    break
                fitting = int((plan.max_seconds - elapsed) * hertz / max(first, 1))
                cycles += _ticks(self._run(connection, content, max(1, min(runs, fitting))))
            self._note(connection)
        nanoseconds = np.rint(np.asarray(cycles, np.float64) * (1e9 / hertz)).astype(np.int64)
        details = {"clock_hz": str(hertz), "counter": "cycles of the core", "cycles": str(median_low(cycles))}
        return Timing(nanoseconds, round(first * 1e9 / hertz), None, 1e9 / hertz, details)

    def footprint(self) -> Footprint:
        """Sizes against the board's, exact. Not so: cycles of the first sample, and the most stack in use since
        the board started, which depends on what it did before and on where interrupts came."""
        if self._first is None:
            return Footprint()
        sections, board = self.firmware.sections, self.board
        firmware = sections.get(".text", 0) + sections.get(".data", 0)
        static = sum(sections.get(name, 0) for name in (".stack", ".data", ".bss"))
        figures = {
            "arena_bytes": self.plan.arena_bytes,
            "stack_bytes": self._first.stack_used,
            "ram_bytes": static + self.plan.arena_bytes,
            "flash_bytes": firmware + len(self.plan.blob),
            "plan_bytes": len(self.plan.blob),
            "firmware_bytes": firmware,
            "board_ram_bytes": board.ram_bytes,
            "board_flash_bytes": board.flash_bytes,
        }
        if self._outputs_crc is not None:
            figures["outputs_crc32"] = self._outputs_crc
        exact = frozenset(figures) - {"stack_bytes"}
        if self.cycles:
            figures |= {
                "cycles": median_low(self.cycles),
                "cycles_min": min(self.cycles),
                "cycles_max": max(self.cycles),
            }
        return Footprint(figures, exact, details=self._details)


def _ticks(report: Report) -> list[int]:
    (runs,) = report.run_ticks.values()
    return [after - before for before, after in runs]
