"""A board of silicon at the end of a serial line, as a target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.artifact import Artifact
from harness.environment import environment
from harness.errors import HarnessError, Unavailable, Unsupported
from harness.paths import cache_directory
from harness.target import DEFAULT_LIMITS, Readiness, Session, SessionTimeouts, Target

from ...tflm.target import first_subgraph_only
from ..boards.silicon import BAUDS, SiliconBoard
from ..job import check_fit
from ..plan import PlanRefused, PlanSize, plan_model
from ..plan.plan_sizes import plan_size
from ..toolchain import build_firmware, build_objects, firmware_fingerprint
from .hardware_map import EXTRA, MAP_FILE, MAP_VARIABLE, MapEntry, map_path, read_map
from .image import make_image
from .session import SerialSession


class SerialTarget(Target):
    """The first connected board of its kind in the hardware map, with the project's own kernels."""

    format = "tflite"
    slot = "board"
    own_clock = True
    predicted_by = "mcu/qemu-stm32f4"
    reported_by = "tflm/host"

    def __init__(self, kind: SiliconBoard) -> None:
        self.kind = kind
        self.name = f"mcu/serial-{kind.board.name}"

    @property
    def default_variants(self) -> tuple[str, ...]:  # type: ignore[override]
        """int8 once the hardware map has such a board; a map that cannot be read is what `doctor` and a run say."""
        if not map_path().is_file():
            return ()
        try:
            return ("int8",) if self._entries() else ()
        except HarnessError:
            return ()

    def _entries(self) -> list[MapEntry]:
        names = set(self.kind.platforms)
        return [entry for entry in read_map(map_path()) if entry.connected and not names.isdisjoint(entry.platforms)]

    def entry(self) -> MapEntry:
        """The board that runs. Raises `Unavailable`."""
        try:
            found = self._entries() if map_path().is_file() else []
        except Unavailable:
            raise
        except HarnessError as error:
            raise Unavailable(str(error)) from None
        if not found:
            raise Unavailable(f"{self.name} needs a board that is not there: {self._how_to_get()}.")
        entry = found[0]
        if entry.baud not in BAUDS:
            raise Unavailable(
                f"The hardware map has `baud: {entry.baud}` for the board {entry.id}, and its serial port can be set to"
                f" {BAUDS[0]} to {BAUDS[-1]}: write one of these."
            )
        return entry

    def _how_to_get(self) -> str:
        return (
            f"connect a {self.kind.board.description.partition(' (')[0]}, run `harness boards --generate`, and write"
            f" `platform: {self.kind.platforms[0]}` in {MAP_FILE} (or name another map in {MAP_VARIABLE})"
        )

    def probe(self) -> Readiness:
        """Readiness from the map alone: `harness boards` asks the boards themselves."""
        try:
            entry = self.entry()
        except Unavailable as error:
            text = str(error)
            if text.startswith(f"{self.name} needs"):
                return Readiness(
                    False, missing=f"a board with `platform: {self.kind.platforms[0]}`", install=self._how_to_get()
                )
            return Readiness(False, missing="a hardware map that can be read", install=text.rstrip("."))
        try:
            import serial
        except ImportError:
            return Readiness(False, missing="pyserial", install=EXTRA)
        details = {
            "board": self.kind.board.description,
            "id": entry.id,
            "serial": entry.place,
            "runner": entry.runner or "none",
            "pyserial": str(serial.__version__),
        }
        return Readiness(True, details=details)

    def prepare(self) -> None:
        build_objects(self.kind.at(self.entry().baud), cache_directory() / "firmware")

    def fingerprint(self) -> dict[str, str]:
        """The board itself is part of it: cycles are clocked, and belong to one piece of silicon."""
        entry = self.entry()
        board = self.kind.at(entry.baud)
        return {
            "board": board.name,
            "board_id": entry.id,
            "core": board.cpu,
            "runtime": "plan",
            "firmware": firmware_fingerprint(board),
            **environment("zig").versions(),
        }

    def unsupported_operators(self, artifact: Artifact) -> tuple[str, ...]:
        if beyond := first_subgraph_only("the firmware", artifact):
            return beyond
        board = self.kind.board
        try:
            found = plan_size(artifact)
            if not isinstance(found, PlanSize):
                return found
            check_fit(board, None, found)
            make_image(
                board,
                build_firmware(board, found.kernels, cache_directory() / "firmware"),
                plan_model(artifact.path.read_bytes()),
            )
        except PlanRefused as error:
            return (f"this model ({str(error).rstrip('.')})",)
        return ()

    @contextmanager
    def open(self, artifact: Artifact, limits: SessionTimeouts = DEFAULT_LIMITS) -> Iterator[Session]:
        try:
            session = SerialSession(self.name, self.kind, self.entry(), artifact, limits)
        except PlanRefused as error:
            raise Unsupported(str(error)) from error
        yield session
