"""What every target on an emulated board has, whichever runtime is in its firmware."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from contextlib import contextmanager

from harness.artifact import Artifact
from harness.errors import Unavailable, Unsupported
from harness.target import DEFAULT_LIMITS, Readiness, Session, SessionTimeouts, Target

from ..tflm.target import first_subgraph_only
from .boards import Board
from .emulator.run import Emulator
from .plan import PlanRefused
from .session import EmulatedSession

_TITLES = {"qemu": "QEMU", "renode": "Renode"}


class BoardTarget(Target):
    """One board under one emulator."""

    format = "tflite"
    timed = False
    simulated = True
    slot = "emulator"
    reported_by = "tflm/host"

    def __init__(self, name: str, emulator: Emulator, board: Board, variants: tuple[str, ...]) -> None:
        self.name = name
        self.emulator = emulator
        self.board = board
        self.default_variants = variants

    @abc.abstractmethod
    def runtime_readiness(self) -> Readiness:
        """Readiness of the runtime and its compiler. The emulator is already known to be there."""

    @abc.abstractmethod
    def runtime_identity(self) -> dict[str, str]:
        """What of the runtime decides the figures, beside emulator and board."""

    @abc.abstractmethod
    def lacking(self, artifact: Artifact) -> tuple[str, ...]:
        """What the artifact needs and the board lacks, in the form of `unsupported_operators`. Raises `PlanRefused` for
        what is no model."""

    @abc.abstractmethod
    def session(self, artifact: Artifact, limits: SessionTimeouts) -> EmulatedSession:
        """Raises `PlanRefused`."""

    def probe(self) -> Readiness:
        try:
            version = self.emulator.version()
        except Unavailable as error:
            _, _, how = str(error).partition(": ")
            return Readiness(False, missing=_TITLES[self.emulator.name], install=how)
        found = self.runtime_readiness()
        if not found.ready:
            return found
        details = {self.emulator.name: version, "board": self.board.description, **found.details}
        return Readiness(True, details=details)

    def fingerprint(self) -> dict[str, str]:
        return {
            self.emulator.name: self.emulator.version(),
            "board": self.board.name,
            "core": self.board.cpu,
            **self.runtime_identity(),
        }

    def unsupported_operators(self, artifact: Artifact) -> tuple[str, ...]:
        """What the runtime has no kernel for, read from the model itself."""
        if beyond := first_subgraph_only("the firmware", artifact):
            return beyond
        try:
            return self.lacking(artifact)
        except PlanRefused as error:
            return (f"this model ({str(error).rstrip('.')})",)

    @contextmanager
    def open(self, artifact: Artifact, limits: SessionTimeouts = DEFAULT_LIMITS) -> Iterator[Session]:
        try:
            session = self.session(artifact, limits)
        except PlanRefused as error:
            raise Unsupported(str(error)) from error
        yield session
