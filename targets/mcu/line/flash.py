"""Puts an image on a board with the user's own tool, as the hardware map names it: arguments, never a shell."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.errors import shortened

from ..boards.silicon import SiliconBoard
from ..emulator.child import child_process
from .hardware_map import MapEntry
from .image import Image
from .line_errors import FlashFailed, LineUnavailable

PLACEHOLDER = "{hex}"
"""Where a parameter of `runner_params` has this, they are the tool's whole arguments."""
_TCL = re.compile(r'[\s;"$\[\]{}]')
"""What ends a word or begins a command in OpenOCD's own language, which can start programs."""


def _pyocd(kind: SiliconBoard, probe: str, given: Sequence[str], path: str) -> list[str]:
    return ["pyocd", "flash", "--target", kind.pyocd, *(["--uid", probe] if probe else []), *given, path]


def _openocd(kind: SiliconBoard, probe: str, given: Sequence[str], path: str) -> list[str]:
    if _TCL.search(probe):
        raise LineUnavailable(
            f"The hardware map has the serial number {probe!r} for a probe, of which OpenOCD would take a part for a"
            " command: correct `probe_id` or `id`, or write another `runner`."
        )
    chosen = ["-c", f"adapter serial {probe}"] if probe else []
    # Braces keep a path with spaces one word of OpenOCD's own language.
    return ["openocd", "-f", kind.openocd, *chosen, *given, "-c", f"program {{{path}}} verify reset exit"]


def _probe_rs(kind: SiliconBoard, probe: str, given: Sequence[str], path: str) -> list[str]:
    del probe  # its --probe takes vendor:product:serial, which a map may give in `runner_params`
    return ["probe-rs", "download", "--chip", kind.probe_rs, "--binary-format", "hex", *given, path]


def _cube(kind: SiliconBoard, probe: str, given: Sequence[str], path: str) -> list[str]:
    del kind
    chosen = [f"sn={probe}"] if probe else []
    return ["STM32_Programmer_CLI", "-c", "port=SWD", *chosen, "mode=UR", *given, "-w", path, "-v", "-rst"]


RUNNERS: dict[str, Callable[[SiliconBoard, str, Sequence[str], str], list[str]]] = {
    "pyocd": _pyocd,
    "openocd": _openocd,
    "probe-rs": _probe_rs,
    "stm32cubeprogrammer": _cube,
}
_RESETS = {"probe-rs": ["probe-rs", "reset", "--chip"]}
"""Command that resets the board, for tools that leave it halted."""


def flash_command(entry: MapEntry, kind: SiliconBoard, path: Path) -> list[str]:
    """The tool and its arguments. Raises `LineUnavailable` for one that is not known and has no arguments."""
    given = [word.replace(PLACEHOLDER, str(path)) for word in entry.runner_params]
    if list(entry.runner_params) != given:
        return [entry.runner, *given]
    make = RUNNERS.get(entry.runner)
    if make is None:
        raise LineUnavailable(
            f"The hardware map has the runner `{entry.runner or 'none'}` for the board {entry.id}; write"
            f" {', '.join(RUNNERS)}, or a program whose `runner_params` name the image as {PLACEHOLDER}."
        )
    return make(kind, entry.probe_id or entry.id, given, str(path))


def flash(entry: MapEntry, kind: SiliconBoard, image: Image) -> None:
    """Flash a board and have it start. Raises `LineUnavailable` where the tool is not there, `FlashFailed`."""
    with TemporaryDirectory(prefix="mcu-flash-") as name:
        folder = Path(name)
        path = folder / "image.hex"
        path.write_text(image.intel_hex(), "ascii")
        commands = [flash_command(entry, kind, path)]
        if entry.runner in _RESETS and not any(PLACEHOLDER in word for word in entry.runner_params):
            commands.append([*_RESETS[entry.runner], kind.probe_rs, *entry.runner_params])
        for command in commands:
            _run(entry, command, folder)


def _run(entry: MapEntry, command: list[str], folder: Path) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise LineUnavailable(
            f"{command[0]} is not on the PATH, and the hardware map flashes the board {entry.id} with it: install it,"
            " or name another `runner`."
        )
    try:
        with child_process([Path(program).absolute(), *command[1:]], folder) as process:
            status = process.wait(entry.flash_timeout)
    except subprocess.TimeoutExpired:
        raise FlashFailed(
            f"{command[0]} was stopped after {entry.flash_timeout} s (`flash_timeout`) without having flashed the"
            f" board {entry.id}.",
            _said(folder),
        ) from None
    except OSError as error:
        raise LineUnavailable(
            f"{command[0]}, with which the hardware map flashes the board {entry.id}, cannot be started"
            f" ({error.strerror})."
        ) from None
    if status != 0:
        lines = [line for line in _said(folder).splitlines() if line.strip()]
        told = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "it says nothing")
        raise FlashFailed(
            f"{command[0]} did not flash the board {entry.id} (status {status}): {shortened(told.strip(), 200)}",
            _said(folder),
        )


def _said(folder: Path) -> str:
    return "".join((folder / name).read_text("utf-8", "replace") for name in ("stdout", "stderr"))
