"""Runs a job under Renode (renode.io), headless and driven by a script.

Renode's exit code says nothing and an error only ends the script, so its output is read; it busy-loops when its
standard input ends, so that stays open for as long as it runs; and it deletes what it takes for remains of others in
TMPDIR, so it gets one of its own.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from harness.errors import shortened
from harness.installation.release import Release

from ..boards import Board
from ..job import job_range
from ..toolchain import describe_firmware
from .child import child_process
from .frames import Report, parse_report
from .job_result import EmulatorCrashed, EmulatorTimedOut, EmulatorUnavailable
from .renode_release import ARCHIVE_VARIABLE, VERSION, renode_release
from .stop_condition import RUN_TO_END, StopCondition

PLATFORMS = Path(__file__).parents[1] / "boards"
MILLION_INSTRUCTIONS_A_SECOND = 100
QUANTUM_SECONDS = "0.01"
_POLL_SECONDS = 0.02
# What Renode prints where a command of the script fails.
_ERRORS = ("There was an error executing command", "Could not tokenize", "Error E", "No such command or device")


def find_renode() -> Path:
    """Renode's start script or program: the one that RENODE_HOME names, else the one on PATH, else the release that
    the set-up brought. Raises `EmulatorUnavailable`, with how to get it after a colon."""
    home = os.environ.get("RENODE_HOME")
    candidates = [Path(home) / "renode", Path(home) / "bin" / "renode"] if home else []
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    found = shutil.which("renode")
    if found is not None:
        return Path(found)
    release = renode_release()
    if release is not None and release.ready():
        return release.location() / release.program
    raise EmulatorUnavailable(f"Renode is not on PATH and RENODE_HOME does not name it: {how_to_get(release)}.")


def how_to_get(release: Release | None) -> str:
    """The one line; with why it failed, where it was tried within the hour."""
    if release is None:
        return f"install Renode {VERSION} as renode.io says for this system, and set RENODE_HOME to its folder"
    failure = release.failure()
    line = f"harness get-renode, or name its archive in {ARCHIVE_VARIABLE}"
    return f"{line} ({failure})" if failure else line


@functools.cache
def _version(program: Path) -> str:
    """Asked once: Renode takes seconds to say it."""
    text = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )
    found = re.search(r"v?(\d+\.\d+\.\d+[\w.-]*)", text.stdout)
    return found.group(1) if found else "unknown"


def platform_path(board: Board) -> str:
    """A platform description as Renode's scripts name it: one of ours, or one that Renode brings along."""
    if board.renode_platform is None:
        raise EmulatorUnavailable(f"Renode has no platform for {board.name}.")
    own = PLATFORMS / board.renode_platform
    return f"@{own}" if own.exists() else f"@{board.renode_platform}"


def script_for(board: Board, job_address: int, firmware: str, job: str, uart: str) -> str:
    """Renode commands that load everything and run to the job's last frame."""
    return "\n".join(
        [
            "logLevel 3",
            "using sysbus",
            'mach create "board"',
            f"machine LoadPlatformDescription {platform_path(board)}",
            f'emulation SetGlobalQuantum "{QUANTUM_SECONDS}"',
            "emulation SetGlobalAdvanceImmediately true",
            f"cpu PerformanceInMips {MILLION_INSTRUCTIONS_A_SECOND}",
            f"nvic Frequency {MILLION_INSTRUCTIONS_A_SECOND * 1_000_000}",
            f"sysbus LoadELF @{firmware}",
            f"sysbus LoadBinary @{job} {job_address:#x}",
            f"{board.renode_uart} CreateFileBackend @{uart} true",
            f'{board.renode_uart} AddLineHook "@END" "machine.PauseAndRequestEmulationPause(True)"',
            "start",
            "",
        ]
    )


@dataclass(frozen=True)
class Renode:
    """Renode 1.16, found by RENODE_HOME or on the PATH."""

    name = "renode"

    def version(self) -> str:
        return _version(find_renode())

    def runs(self, board: Board) -> bool:
        return board.renode_platform is not None

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
        uart = directory / "uart"
        script = directory / "run.resc"
        script.write_text(
            script_for(board, job_range(board, describe_firmware(firmware))[0], str(firmware), str(job), str(uart)),
            "utf-8",
        )
        temporary = directory / "tmp"
        temporary.mkdir()
        command: list[str | Path] = [find_renode(), "--disable-gui", "--console", "--plain", "-e", f"include @{script}"]
        environment = {**os.environ, "TMPDIR": str(temporary), "TERM": "dumb"}
        with child_process(command, directory, environment) as process:
            return self._wait(process, directory, timeout, enough)

    def _wait(self, process: subprocess.Popen[bytes], directory: Path, timeout: float, enough: StopCondition) -> Report:
        begun = time.monotonic()
        end = begun + timeout
        while True:
            ended = process.poll() is not None
            report = _read_report(directory / "uart")
            if report is not None:
                return report
            if time.monotonic() - begun > enough.seconds:
                early = enough.of(_read_text(directory / "uart"))
                if early is not None:
                    return early
            problem = _first_error(directory / "stdout")
            if ended or problem:
                raise EmulatorCrashed(f"Renode did not finish the job: {problem or 'it ended early'}.")
            if time.monotonic() > end:
                raise EmulatorTimedOut(f"Renode was stopped after {timeout:g} s without an end of the job.")
            time.sleep(_POLL_SECONDS)

    def instructions(self, board: Board, ticks: int) -> int:
        """Both run at the same rate, so a tick is an instruction."""
        del board
        return ticks


def _read_text(uart: Path) -> str:
    try:
        return uart.read_text("ascii", "replace")
    except FileNotFoundError:  # not there yet, or just being renamed: Renode puts a new file in an old one's place
        return ""


def _read_report(uart: Path) -> Report | None:
    """The report once it is whole. Raises what `parse_report` raises."""
    text = _read_text(uart)
    return parse_report(text) if "@END" in text else None


def _first_error(log: Path) -> str | None:
    if not log.exists():
        return None
    for line in log.read_text("utf-8", "replace").splitlines():
        if any(error in line for error in _ERRORS):
            return shortened(line.strip(), 300)
    return None
