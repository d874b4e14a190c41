"""Content addresses of measurements: the hash of all that decides the result, so that nothing is measured twice."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from harness.address import address_of
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.target_address import answer_identity, code_digest_of_files, code_of
from harness.run.measure import Job
from harness.run.place import LOCAL_PLACE, Place
from harness.target import Target, TimingPlan

ENGINE = Path(__file__).parents[1]


@dataclass(frozen=True)
class TargetIdentity:
    """What decides a target's answers at a place: its fingerprint, and all parts of it that an address holds."""

    fingerprint: dict[str, str]
    parts: tuple[object, ...]


def identity_of(target: Target, place: Place = LOCAL_PLACE) -> TargetIdentity:
    """The target's identity at this moment. On the engine's own machine, whose cache is its own, it depends on the
    target alone. Elsewhere it depends also on the place and its machine, so no figure stands for another machine's."""
    if place is LOCAL_PLACE:
        parts = answer_identity(target)
        return TargetIdentity(parts[2], parts)
    there = place.fingerprint(target)
    return TargetIdentity(
        there, (target.name, target.format, there, code_of(target), "place", place.name, place.machine.id)
    )


class Identities:
    """The identity of each target of a run, asked once: a run has hundreds of cases, and versions are programs that are
    started and sources that are read. Whoever measures asks again (`changed`). Used by several threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], TargetIdentity] = {}
        self._asking: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, target: Target, place: Place = LOCAL_PLACE) -> TargetIdentity:
        """The target's identity. Call it after the target's set-up, which may install something that decides the
        identity."""
        key = (target.name, place.name)
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = identity_of(target, place)
        return known

    def changed(self, target: Target, place: Place = LOCAL_PLACE) -> str:
        """What of the fingerprint is another now than when it was asked, empty if nothing; the next to ask gets what
        is so now."""
        key = (target.name, place.name)
        before, now = self.of(target, place), identity_of(target, place)
        if now == before:
            return ""
        self._known[key] = now
        names = sorted({*before.fingerprint, *now.fingerprint})
        other = [name for name in names if before.fingerprint.get(name) != now.fingerprint.get(name)]
        return ", ".join(
            f"{name} from {before.fingerprint.get(name, 'none')} to {now.fingerprint.get(name, 'none')}"
            for name in other
        )


def parity_key(identity: TargetIdentity, job: Job, prepared: PreparedModel) -> str:
    """Address of a parity measurement."""
    own = code_digest_of_files(
        *(
            ENGINE / part
            for part in ("parity", "process", "run/measure.py", "artifact.py", "quantisation.py", "target.py")
        )
    )
    return address_of("parity", job, prepared.golden_digest, *identity.parts, own)


def latency_key(case_key: str, plan: TimingPlan, machine: str, identity: TargetIdentity) -> str:
    """Address of a latency measurement: that of the case, with the plan and the machine."""
    own = code_digest_of_files(ENGINE / "latency", ENGINE / "process")
    return address_of("latency", case_key, plan, machine, *identity.parts, own)
