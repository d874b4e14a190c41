"""Machines by address into places by name: those of one name are one place, if they are alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.places.conversions import own_identity_of_conversion
from harness.places.identity import HarnessIdentity, difference, own_identity
from harness.places.remote_place import PlaceMachine, RemotePlace
from harness.places.transport import Transport
from harness.project import NAME
from harness.store.record import Machine
from harness.target import Readiness

LOOK_AGAIN_SECONDS = 2.0


class OfferedTarget(BaseModel):
    """Whether a place has a target, and what it lacks."""

    ready: bool
    missing: str
    install: str


class Description(BaseModel):
    """What a machine says of itself (`request_handlers.describe`)."""

    name: str
    identity: HarnessIdentity
    machine: Machine
    host: str
    workers: int
    targets: dict[str, OfferedTarget]
    converter: str = ""
    """What its conversions hang on; empty where it converts nothing."""

    @property
    def ready(self) -> set[str]:
        return {name for name, target in self.targets.items() if target.ready}


@dataclass
class Places:
    """The places behind a link, and why machines are none."""

    link: Transport
    engine: HarnessIdentity = field(default_factory=own_identity)
    converter: str = field(default_factory=lambda: own_identity_of_conversion(installed=False))
    """What this machine's conversions hang on: a place of which it is another converts nothing for it."""
    by_name: dict[str, RemotePlace] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    """Sentences."""

    def __post_init__(self) -> None:
        self._known: set[str] = set()
        self._descriptions: dict[str, Description] = {}
        self._lock = threading.Lock()
        self._looked = 0.0
        self.refresh()

    def refresh(self) -> None:
        """Take in machines that are new; at most every few seconds, as a run that waits asks for it all the time."""
        with self._lock:
            now = time.monotonic()
            if self._looked and now - self._looked < LOOK_AGAIN_SECONDS:
                return
            there = self.link.machines()
            new = [address for address in there if address not in self._known]
            self._known.update(new)
            for address, answer in sorted(self.link.describe(new).items()):
                self._take_in(address, there[address], answer)
            self._looked = time.monotonic()

    def _take_in(self, address: str, threads: int, answer: Mapping[str, Any] | str) -> None:
        try:
            found = Description.model_validate(answer)
        except ValidationError:
            why = answer if isinstance(answer, str) else "it has another harness"
            self.refused.append(f"{address} is no place ({why}): install there the harness that is here.")
            return
        problem = difference(self.engine, found.identity) or self._unlike(found)
        if not problem and not NAME.fullmatch(found.name):
            problem = "its name has characters other than letters, digits, '_', '-', '.'"
        if problem:
            self.refused.append(f"The place '{found.name}' ({address}) is refused: {problem}.")
            return
        member = PlaceMachine(address, found.host, max(1, min(threads, found.workers)))
        if found.name in self.by_name:
            self.by_name[found.name].join(member)
            return
        targets = {
            name: Readiness(target.ready, target.missing, target.install) for name, target in found.targets.items()
        }
        self._descriptions[found.name] = found
        converts = found.converter == self.converter
        self.by_name[found.name] = RemotePlace(
            found.name, found.machine, targets, [member], self.link, self.refresh, converts=converts
        )

    def _unlike(self, description: Description) -> str:
        """Why it cannot share its name with the machine that has it already."""
        first = self._descriptions.get(description.name)
        if first is None:
            return ""
        if first.machine.id != description.machine.id:
            what = f"its processor and memory ({_in_words(description.machine)}; {_in_words(first.machine)})"
        elif first.ready != description.ready:
            what = f"its targets ({', '.join(sorted(first.ready ^ description.ready))})"
        else:
            return ""
        return f"another machine of this name differs in {what}; give one of them a name of its own (--name)"


def _in_words(machine: Machine) -> str:
    return f"{machine.cpu}, {machine.cores} cores, {machine.memory_bytes / 2**30:.0f} GiB"


def refusals(places: Places) -> Sequence[str]:
    """Why machines are no places, each once."""
    return tuple(dict.fromkeys(places.refused))
