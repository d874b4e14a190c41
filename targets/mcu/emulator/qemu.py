"""Runs a job under `qemu-system-arm`.

With `-icount` QEMU's virtual time advances by a fixed amount an instruction, so the board's own SysTick counts
instructions: n ticks are n * (nanoseconds a tick) / (nanoseconds an instruction) of them. The firmware resets the board
when it is done, which `-no-reboot` turns into QEMU's end.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from harness.errors import shortened
from harness.installation.packages import install_line

from ..boards import Board
from ..job import job_range
from ..toolchain import describe_firmware
from .child import child_process
from .frames import Report, parse_report
from .job_result import EmulatorCrashed, EmulatorTimedOut, EmulatorUnavailable
from .stop_condition import RUN_TO_END, StopCondition

_PROGRAM = "qemu-system-arm"
_POLL_SECONDS = 0.2


def _read(uart: Path) -> str:
    return uart.read_text("ascii", "replace") if uart.exists() else ""


@functools.cache
def _version_of(program: Path, _file: tuple[int, int]) -> str:
    """Asked once a file: every case that is emulated wants to know."""
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30)
    found = re.search(r"version (\S+)", text.stdout)
    return found.group(1) if found else "unknown"


@dataclass(frozen=True)
class Qemu:
    """QEMU's system emulator, found on the PATH."""

    name = "qemu"

    def program(self) -> Path:
        found = shutil.which(_PROGRAM)
        if found is None:
            raise EmulatorUnavailable(f"{_PROGRAM} is not on the PATH: {install_line(_PROGRAM)}.")
        return Path(found)

    def version(self) -> str:
        program = self.program()
        found = program.stat()
        return _version_of(program, (found.st_mtime_ns, found.st_ino))

    def runs(self, board: Board) -> bool:
        return board.qemu_machine is not None

    def start(
        self,
        board: Board,
        firmware: Path,
        job: Path,
        directory: Path,
        timeout: float,
        enough: StopCondition = RUN_TO_END,
    ) -> Report:
        """Runs the firmware on the job and returns what it reported; files are written to `directory`."""
        if board.qemu_machine is None:
            raise EmulatorUnavailable(f"QEMU has no machine for {board.name}.")
        command: list[str | Path] = [
            self.program(),
            "-M",
            board.qemu_machine,
            "-icount",
            f"shift={board.qemu_instruction_shift},sleep=off",
            "-nodefaults",
            "-display",
            "none",
            "-no-reboot",
            "-serial",
            f"file:{directory / 'uart'}",
            "-kernel",
            firmware,
            "-device",
            f"loader,file={job},addr={job_range(board, describe_firmware(firmware))[0]:#x},force-raw=on",
        ]
        with child_process(command, directory) as process:
            status, early = self._wait(process, directory / "uart", timeout, enough)
        if early is not None:
            return early
        report = parse_report(_read(directory / "uart"))
        if report is None:
            message = (directory / "stderr").read_text("utf-8", "replace").strip().splitlines()
            raise EmulatorCrashed(
                f"QEMU ended with status {status} before the job was done"
                + (f": {shortened(message[0], 200)}" if message else ".")
            )
        return report

    def _wait(
        self, process: subprocess.Popen[bytes], uart: Path, timeout: float, enough: StopCondition
    ) -> tuple[int, Report | None]:
        """QEMU's exit status, and the report so far where that is enough before its end."""
        end = time.monotonic() + timeout
        waiting = min(timeout, enough.seconds)
        while True:
            try:
                return process.wait(max(0.0, waiting)), None
            except subprocess.TimeoutExpired:
                report = enough.of(_read(uart))
                if report is not None:
                    return 0, report
                if time.monotonic() >= end:
                    raise EmulatorTimedOut(f"QEMU was stopped after {timeout:g} s without an end of the job.") from None
                waiting = min(_POLL_SECONDS, end - time.monotonic())

    def instructions(self, board: Board, ticks: int) -> int:
        """The number of instructions that gives `ticks` whole ticks. It is exact because a tick is never the longer."""
        tick_times_rate = ticks * 1_000_000_000
        instruction_times_rate = board.qemu_clock_hz << board.qemu_instruction_shift
        return -(-tick_times_rate // instruction_times_rate)
