"""The way to places: which there are, and one request to one of them. `distributed` is one; tests have another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from harness.errors import Crashed, HarnessError


class MachineLost(Exception):
    """The process that stood for a machine is gone, or says nothing any more: what it was asked is not answered."""


class Abandoned(Crashed):
    """The run was interrupted while it waited for an answer."""


class SchedulerLost(KeyboardInterrupt):
    """The scheduler is gone, with all that it knew: a run ends with what it has, as one that is interrupted."""


class NoPlaces(HarnessError):
    """There is no scheduler, or none that may be spoken to."""


class Transport(Protocol):
    """Machines by address. An address is never used twice."""

    def machines(self) -> Mapping[str, int]:
        """Addresses of those that are there now, with how many requests each takes at once."""

    def describe(self, addresses: list[str]) -> Mapping[str, dict[str, Any] | str]:
        """What each says of itself (`request_handlers.describe`), or why it says nothing, in words."""

    def ask(self, address: str, request: str, content: bytes = b"") -> str:
        """`request_handlers.perform` there. Raises `MachineLost`, `SchedulerLost`."""

    def close(self) -> None:
        """End it; what was asked and not answered counts for nothing."""
