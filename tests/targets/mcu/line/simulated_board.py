"""A board that is a program of this machine: the firmware's own code at the far end of a pseudo-terminal."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness_targets.mcu.line.hardware_map import MapEntry
from harness_targets.mcu.line.port import Port

FLASHER = Path(__file__).with_name("flash_files.py")
PLATFORM = "stm32f4_disco"


def simulated(
    server: Path, folder: Path, *, arena: int = 119_072, hertz: int = 168_000_000, cycles: int = 1000
) -> MapEntry:
    """An entry of a hardware map whose board is `server`, with its flash in `folder`."""
    command = (server, folder / "firmware", folder / "job", arena, hertz, cycles)
    return MapEntry(
        id=f"board in {folder.name}",
        platforms=(PLATFORM,),
        serial_pty=tuple(str(word) for word in command),
        runner=sys.executable,
        runner_params=(str(FLASHER), "{hex}", str(folder)),
    )


def times_flashed(folder: Path) -> int:
    log = folder / "flashed"
    return len(log.read_text().splitlines()) if log.exists() else 0


@dataclass
class FaultyPort:
    """A port that loses, doubles and flips characters, by chance, until it has done so `faults` times."""

    port: Port
    chance: random.Random
    faults: int
    share: float = 0.004
    """Of all characters."""
    done: dict[str, int] = field(default_factory=dict)
    name: str = "faulty"

    def read(self) -> bytes:
        return self._spoilt(self.port.read())

    def write(self, content: bytes) -> None:
        self.port.write(self._spoilt(content))

    def _spoilt(self, content: bytes) -> bytes:
        spoilt = bytearray()
        for value in content:
            if sum(self.done.values()) >= self.faults or self.chance.random() >= self.share:
                spoilt.append(value)
                continue
            kind = self.chance.choice(("lost", "doubled", "flipped"))
            self.done[kind] = self.done.get(kind, 0) + 1
            if kind == "doubled":
                spoilt += bytes([value, value])
            elif kind == "flipped":
                spoilt.append(value ^ 1 << self.chance.randrange(8))
        return bytes(spoilt)


@dataclass
class ScriptedPort:
    """A port whose far side is a function: what is written, to what comes back."""

    answer: Callable[[bytes], bytes]
    pending: bytearray = field(default_factory=bytearray)

    def read(self) -> bytes:
        content, self.pending = bytes(self.pending), bytearray()
        return content

    def write(self, content: bytes) -> None:
        self.pending += self.answer(content)
