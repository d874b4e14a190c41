"""`harness boards`: what the hardware map has, what is at the ports, and which board does not answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from harness.cli.inventory import console, plain_table
from harness.errors import CaseError, HarnessError, Unavailable

from ..boards.silicon import SILICON
from .hardware_map import EXTRA, MapEntry, map_path, read_map, write_map
from .line import BoardIdentity, Line, RetryTimeouts
from .line_errors import BoardBusy, BoardReset, BoardSilent, LineGarbled, LineUnavailable
from .port import open_port

_PATIENCE = RetryTimeouts(retry_seconds=0.3, silence_seconds=1.5)
# By product, as in twister's hardwaremap.py, so that a map made here and one made there have the same words.
_RUNNERS = (
    ("pyocd", r"(DAPLink|MBED) CMSIS-DAP$"),
    ("jlink", r"J-Link( OB)?$"),
    ("openocd", r"STM32 STLink$|XDS110|STLINK-V3|Tigard|KitProg3$"),
)


@dataclass(frozen=True)
class Row:
    """One board; `state` is a word that a program reads, `said` a sentence."""

    entry: MapEntry
    target: str
    state: str
    said: str


def boards(path: Path | None, *, generate: bool, as_json: bool) -> int:
    """List the boards of a map, or write one. Raises `HarnessError`."""
    if path is not None and not generate and not path.is_file():
        raise HarnessError(f"There is no hardware map {path}; `--generate` writes one of the boards that are found.")
    path = path or map_path()
    if generate:
        found = ports()
        new = write_map(path, found)
        if not as_json:
            print(
                f"{path}: {len(found)} boards found, {new} of them new. Write Zephyr's name of each as its `platform`."
            )
            return 0
    rows = [_row(entry) for entry in read_map(path)] if path.exists() else []
    if as_json:
        print(json.dumps([_document(row) for row in rows], indent=1))
        return 0
    if not rows:
        print(f"{_no_map(path)} {_at_ports()}")
        return 0
    table = plain_table("board", "platform", "target", "line", "state")
    for row in rows:
        place = (row.entry.id, " ".join(row.entry.platforms), row.target or "none", row.entry.place)
        table.add_row(*(escape(word) for word in (*place, row.state)))
    console().print(table)
    for row in rows:
        print(f"{row.entry.id}: {row.said}")
    return 0


def _document(row: Row) -> dict[str, object]:
    return {
        "id": row.entry.id,
        "platforms": list(row.entry.platforms),
        "product": row.entry.product,
        "target": row.target or None,
        "line": row.entry.place,
        "state": row.state,
        "said": row.said,
    }


def _no_map(path: Path) -> str:
    return f"{path} has no board." if path.exists() else f"There is no hardware map {path}."


def _at_ports() -> str:
    found = ports()
    if not found:
        return "No serial port of a board was found either: connect one, then run `harness boards --generate`."
    seen = ", ".join(f"{entry.product} at {entry.serial}" for entry in found)
    return f"Found at ports: {seen}; `harness boards --generate` writes a map of them."


def ports() -> list[MapEntry]:
    """The serial ports of this machine that are on USB, by the name that they keep when they are plugged anew. Raises
    `Unavailable` without pyserial."""
    try:
        from serial.tools import list_ports
    except ImportError:
        raise Unavailable(f"Serial ports are listed by pyserial, which is not installed: {EXTRA}.") from None
    folder = Path("/dev/serial/by-id")
    lasting = {link.resolve(): link for link in sorted(folder.iterdir())} if folder.is_dir() else {}
    found = []
    for port in sorted(list_ports.comports(), key=lambda port: port.device):
        if port.vid is None:
            continue  # a port of the machine itself
        device = Path(port.device)
        product = port.product or "unknown"
        runner = next((name for name, pattern in _RUNNERS if re.match(pattern, product)), "unknown")
        found.append(
            MapEntry(
                id=port.serial_number or "unknown",
                platforms=("unknown",),
                product=product,
                serial=str(lasting.get(device.resolve(), device)),
                runner=runner,
            )
        )
    return found


def _row(entry: MapEntry) -> Row:
    kinds = (name for name, kind in SILICON.items() if not set(kind.platforms).isdisjoint(entry.platforms))
    target = next((f"mcu/serial-{name}" for name in kinds), "")
    if not entry.connected:
        return Row(entry, target, "not connected", "`connected: false` in the map.")
    try:
        with open_port(entry) as port:
            answer = Line(port, entry.place, _PATIENCE).identify()
    except LineUnavailable as error:
        return Row(entry, target, "no line", str(error))
    except BoardSilent:
        return Row(
            entry,
            target,
            "silent",
            "The port is there and nothing answers: the board has no image of the harness yet (a run flashes it), or"
            " transmitter and receiver are exchanged, or `baud` is another.",
        )
    except (BoardBusy, LineGarbled, BoardReset):
        return Row(entry, target, "other", "Something else than the harness's firmware sends; a run flashes the board.")
    except CaseError as error:
        return Row(entry, target, "lost", str(error))
    if not isinstance(answer, BoardIdentity):
        return Row(entry, target, "ready", "The harness's firmware answers, without a model.")
    clock = f"{answer.clock_hz / 1e6:g} MHz" if answer.clock_hz else "a clock that is not known"
    counter = "counts cycles" if answer.counts_cycles else "has no cycle counter"
    return Row(entry, target, "ready", f"The harness's firmware answers ({clock}, {counter}).")
