"""The port to a board: opened for one piece of work alone, and free again after it, whatever happened."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from ..emulator.child import child_process
from .hardware_map import EXTRA, MapEntry
from .line_errors import LineLost, LineUnavailable

READ_SECONDS = 0.02
"""How long a read waits for the first character; what has come is given at once."""
_WRITE_SECONDS = 5.0


class Port(Protocol):
    """Characters in and out. Both raise `LineLost` where the port has gone."""

    def read(self) -> bytes:
        """What has come, nothing where that was nothing for `READ_SECONDS`."""

    def write(self, content: bytes) -> None: ...


class SerialPort:
    """A port that pyserial has open."""

    def __init__(self, name: str, opened: object) -> None:
        self.name = name
        self._opened = opened

    def read(self) -> bytes:
        first = self._call("read", 1)
        waiting = self._waiting()
        return first + self._call("read", waiting) if first and waiting else first

    def write(self, content: bytes) -> None:
        self._call("write", content)

    def _waiting(self) -> int:
        try:
            return int(self._opened.in_waiting)  # type: ignore[attr-defined]
        except (OSError, TypeError) as error:
            raise self._lost(error) from None

    def _call(self, name: str, argument: object) -> bytes:
        try:
            result = getattr(self._opened, name)(argument)
        except (OSError, TypeError, ValueError) as error:  # pyserial's own are OSErrors; a closed port gives the others
            raise self._lost(error) from None
        return result if isinstance(result, bytes) else b""

    def _lost(self, error: Exception) -> LineLost:
        other = also_open(self.name)
        beside = f"; {other} has it open as well" if other else "; see that the cable and the board are there"
        return LineLost(f"The line {self.name} was lost ({_reason(error)}){beside}.")


@contextlib.contextmanager
def open_port(entry: MapEntry) -> Iterator[Port]:
    """The port of a board, as nobody else's. Raises `LineUnavailable`, which names who has it where that is seen."""
    if not entry.serial and not entry.serial_pty:
        raise LineUnavailable(f"The hardware map has no `serial` and no `serial_pty` for the board {entry.id}.")
    if entry.serial:
        with _opened(entry.serial, entry.baud) as port:
            yield port
    else:
        with _pty(entry) as device, _opened(device, entry.baud) as port:
            yield port


@contextlib.contextmanager
def _opened(name: str, baud: int) -> Iterator[Port]:
    try:
        import serial
    except ImportError:
        raise LineUnavailable(f"The line to a board takes pyserial, which is not installed: {EXTRA}.") from None
    try:
        # Only a device can be locked, and pyserial's RFC 2217 cannot be told how long a write may take.
        options: dict[str, Any] = {} if "://" in name else {"exclusive": True, "write_timeout": _WRITE_SECONDS}
        opened = serial.serial_for_url(name, baudrate=baud, timeout=READ_SECONDS, **options)
    except (OSError, ValueError, NotImplementedError) as error:
        raise LineUnavailable(_not_opened(name, error)) from None
    try:
        yield SerialPort(name, opened)
    finally:
        with contextlib.suppress(Exception):  # it may be gone: what is open here ends all the same
            opened.close()


def _not_opened(name: str, error: Exception) -> str:
    if isinstance(error, ValueError):
        return f"`{name}` is no port and no URL that pyserial knows; write a device, socket:// or rfc2217://."
    other = also_open(name)
    if other:
        return f"The port {name} is in use by {other}; end that, or wait for it."
    if name.startswith("/") and not Path(name).exists():
        return f"There is no port {name}: connect the board, or correct `serial` in the hardware map."
    if isinstance(error, PermissionError) or getattr(error, "errno", None) == 13:
        return f"You may not open {name}: join the group that owns it (Debian: `sudo usermod -aG dialout $USER`)."
    return f"The port {name} cannot be opened ({_reason(error)})."


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__


def also_open(name: str) -> str:
    """Another process of this machine that has a device open, in words; empty where none is seen."""
    if not name or "://" in name:
        return ""
    import psutil

    real = os.path.realpath(name)
    for process in psutil.process_iter(["pid", "name"]):
        if process.pid == os.getpid():
            continue
        with contextlib.suppress(OSError, psutil.Error):
            descriptors = Path(f"/proc/{process.pid}/fd")
            if any(str(link.readlink()) == real for link in descriptors.iterdir()):
                return f"the process {process.pid} ({process.info['name']})"
    return ""


@contextlib.contextmanager
def _pty(entry: MapEntry) -> Iterator[str]:
    """The device of a pseudo-terminal whose other end is the program that the map names."""
    program = shutil.which(entry.serial_pty[0])
    if program is None:
        raise LineUnavailable(f"There is no program {entry.serial_pty[0]} (`serial_pty` of the board {entry.id}).")
    master, slave = os.openpty()
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="mcu-line-")))
            command = [str(Path(program).absolute()), *entry.serial_pty[1:]]
            try:
                stack.enter_context(child_process(command, folder, terminal=master))
            except OSError as error:
                raise LineUnavailable(
                    f"{program} (`serial_pty` of the board {entry.id}) cannot be started ({error.strerror})."
                ) from None
            yield os.ttyname(slave)
    finally:
        for descriptor in (master, slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
