"""A place elsewhere, as a run sees it: one machine, or several alike that share a name and the work."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from harness.artifact import Artifact
from harness.cache import sha256_file
from harness.conversion.worker_request import WorkerRequest
from harness.errors import CaseError, Crashed, Failed, HarnessError, PlaceLost, Unavailable, error_text
from harness.places.content_store import inside
from harness.places.conversions import OperationPayload, pack_operation
from harness.places.messages import LATENCY, PARITY, JobPayload, pack_job, raise_error, to_json
from harness.places.transport import Abandoned, MachineLost, SchedulerLost, Transport
from harness.run.measure import Job, ParityResult
from harness.store.record import Latency, Machine
from harness.target import Readiness, Target

PART_BYTES = 4 * 2**20
"""Bytes per part: the scheduler holds one part in memory while it passes it on."""
SENT_AGAIN = 3
"""How often files are sent again that the place deleted meanwhile."""
RETURN_SECONDS = 20.0
"""Seconds to wait for a place whose last machine is gone."""


@dataclass
class PlaceMachine:
    """One machine of a place."""

    address: str
    host: str
    workers: int
    busy: int = 0
    sending: dict[str, threading.Lock] = field(default_factory=dict)
    """One lock per file, by the file's hash: only one thread sends a file."""


class RemotePlace:
    """A place by its name. What measures raises a `CaseError`; `PlaceLost` where its last machine is gone."""

    def __init__(
        self,
        name: str,
        machine: Machine,
        targets: Mapping[str, Readiness],
        members: Sequence[PlaceMachine],
        link: Transport,
        refresh: Callable[[], None] = lambda: None,
        *,
        converts: bool = False,
    ) -> None:
        """`refresh`: looks for new machines of the place and calls `join`; `converts`: whether what it converts is what
        this machine would make."""
        self.converts = converts
        self.name = name
        self.machine = machine
        self.targets = targets
        self.members = list(members)
        self._link = link
        self._refresh = refresh
        self._changed = threading.Condition()
        self._fingerprints: dict[str, dict[str, str]] = {}

    @property
    def workers(self) -> int:
        return max(1, sum(member.workers for member in self.members))

    @property
    def timings(self) -> int:
        return max(1, len({member.host for member in self.members}))

    def join(self, member: PlaceMachine) -> None:
        """One more machine, which is like those that it has."""
        with self._changed:
            if all(known.address != member.address for known in self.members):
                self.members.append(member)
                self._changed.notify_all()

    def set_up(self, target: Target) -> None:
        readiness = self.targets.get(target.name)
        if readiness is None or not readiness.ready:
            lacking = f"{readiness.missing} is missing; {readiness.install}" if readiness else "it has no such target"
            raise Unavailable(f"At '{self.name}': {lacking}")
        answer = self._answered(2, False, lambda member: self._ask(member, {"action": "set up", "target": target.name}))
        self._fingerprints[target.name] = dict(answer["fingerprint"])

    def fingerprint(self, target: Target) -> dict[str, str]:
        return dict(self._fingerprints.get(target.name, {}))

    def unsupported_operators(self, target: Target, artifact: Artifact) -> tuple[str, ...]:
        # The place says so when it is to measure: what its target lacks may be a part that this machine has not.
        return ()

    def measure_parity(self, job: Job) -> ParityResult:
        answer = self._measured("parity", job, attempts=2)
        result: ParityResult = PARITY.validate_python(answer["parity"])
        return result

    def measure_latency(self, job: Job) -> Latency:
        answer = self._measured("latency", job, attempts=1)
        result: Latency = LATENCY.validate_python(answer["latency"])
        return result

    def convert(self, operation: WorkerRequest, identity: str) -> dict[str, Any] | None:
        """See `harness.conversion.worker_request.RemoteConverter`. A place that was lost, or is not what it said, is
        not asked again in this run."""

        def ask(member: PlaceMachine) -> dict[str, Any]:
            answer = self._with_files(member, {"action": "convert", "operation": parcel.asked}, parcel)
            for argument, path in operation.writes.items():
                for name, digest in answer["written"][argument].items():
                    received.append(path / inside(name) if name else path)
                    self._receive(member, digest, received[-1])
            return dict(answer["reply"])

        received: list[Path] = []
        try:
            parcel = pack_operation(operation, identity)
            return self._answered(2, False, ask)
        except Abandoned:
            raise
        except (CaseError, OSError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, Unavailable):
                self.converts = False
            for path in received:
                path.unlink(missing_ok=True)
            return None

    def release_idle(self) -> None:
        """End what its machines keep warm for the next case."""
        try:
            for member in self._living():
                self._ask(member, {"action": "rest"})
        except (MachineLost, SchedulerLost, HarnessError):  # what it would have ended ends with the place
            return

    def _measured(self, action: str, job: Job, attempts: int) -> dict[str, Any]:
        """What a machine of the place measures. Raises `PlaceLost`."""
        try:
            parcel = pack_job(job)
        except OSError as error:
            raise Crashed(f"A file of the case cannot be read ({error_text(error)}).") from error
        answer = self._answered(
            attempts,
            action == "latency",
            lambda member: self._with_files(member, {"action": action, "job": parcel.job}, parcel),
        )
        before = self._fingerprints.setdefault(job.target, dict(answer["fingerprint"]))
        if before != answer["fingerprint"]:
            changed = sorted(
                key for key in {*before, *answer["fingerprint"]} if before.get(key) != answer["fingerprint"].get(key)
            )
            raise Unavailable(
                f"{job.target} is not the same on all machines of '{self.name}' (it differs in {', '.join(changed)}); "
                "give machines that differ names of their own."
            )
        return answer

    def _answered(self, attempts: int, alone: bool, ask: Callable[[PlaceMachine], dict[str, Any]]) -> dict[str, Any]:
        """What `ask` gets from a machine. Where that one is lost meanwhile, another is asked, `attempts` in all: the
        same question has the same answer, and one that comes late is not waited for. Raises `PlaceLost`."""
        for left in reversed(range(attempts)):
            try:
                with self._borrowed(alone=alone) as member:
                    return ask(member)
            except MachineLost as error:
                if not left or not self._living():
                    raise PlaceLost(
                        f"The place '{self.name}' was lost while it worked on this case ({error}); the same "
                        "command goes on when it is back."
                    ) from error
        raise AssertionError("a place is asked at least once")

    def _with_files(
        self, member: PlaceMachine, request: Mapping[str, Any], parcel: JobPayload | OperationPayload
    ) -> dict[str, Any]:
        """The answer to a request that has files, those sent first that are not there."""
        missing = self._ask(member, {"action": "missing", "digests": sorted(parcel.paths)})["missing"]
        for _ in range(SENT_AGAIN):
            for digest in missing:
                self._send(member, digest, parcel.paths[digest])
            answer = self._ask(member, {**request, "files": parcel.files})
            missing = answer.get("missing")
            if not missing:
                return answer
        raise Unavailable(
            f"The place '{self.name}' deletes a case's files before it can measure, because they exceed its file store."
        )

    def _send(self, member: PlaceMachine, digest: str, path: Path) -> None:
        """The file's bytes, in parts. Raises `Crashed` where it cannot be read here."""
        with member.sending.setdefault(digest, threading.Lock()):
            if not self._ask(member, {"action": "missing", "digests": [digest]})["missing"]:
                return
            sender = sha256(uuid4().bytes).hexdigest()
            try:
                total = path.stat().st_size
                with path.open("rb") as stream:
                    for offset, part in _parts(stream.read, total):
                        about = {"digest": digest, "sender": sender, "offset": offset, "total": total}
                        self._ask(member, {"action": "receive", "file": about}, part)
            except OSError as error:
                raise Crashed(f"A file of the case cannot be read ({error_text(error)}).") from error

    def _receive(self, member: PlaceMachine, digest: str, path: Path) -> None:
        """Write a file that the place made to `path`. Raises `Failed` where its bytes are not those of its hash."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            while True:
                asked = {"action": "read", "digest": digest, "offset": stream.tell(), "count": PART_BYTES}
                part = base64.b64decode(self._ask(member, asked)["content"])
                stream.write(part)
                if len(part) < PART_BYTES:
                    break
        if sha256_file(path) != digest:
            raise Failed(f"A file arrived from the place '{self.name}' with other bytes than it was said to have.")

    def _ask(self, member: PlaceMachine, message: Mapping[str, Any], content: bytes = b"") -> dict[str, Any]:
        """One answer. Raises the `CaseError` that it carries, and `MachineLost`."""
        answer: dict[str, Any] = json.loads(self._link.ask(member.address, to_json(message), content))
        raise_error(answer)
        return answer

    def _living(self) -> list[PlaceMachine]:
        there = self._link.machines()
        return [member for member in self.members if member.address in there]

    @contextmanager
    def _borrowed(self, *, alone: bool = False) -> Iterator[PlaceMachine]:
        """The machine with the least to do; with `alone`, one that has nothing to do. Raises `PlaceLost` where there
        is none and none comes back."""
        deadline = time.monotonic() + RETURN_SECONDS
        with self._changed:
            while True:
                living = self._living()
                if living:
                    free = [member for member in living if not alone or not self._is_busy(member.host)]
                    if free:
                        chosen = min(free, key=lambda member: member.busy / max(1, member.workers))
                        chosen.busy += 1
                        break
                elif time.monotonic() > deadline:
                    raise PlaceLost(
                        f"The place '{self.name}' is gone; the same command goes on when it is back "
                        "(`harness places` lists those that are there)."
                    )
                else:
                    self._refresh()
                self._changed.wait(0.5)
        try:
            yield chosen
        finally:
            with self._changed:
                chosen.busy -= 1
                self._changed.notify_all()

    def _is_busy(self, host: str) -> bool:
        return any(member.busy for member in self.members if member.host == host)


def _parts(read: Callable[[int], bytes], total: int) -> Iterator[tuple[int, bytes]]:
    """A file's parts with their offsets; one of no bytes where it is empty."""
    offset = 0
    while offset < total or total == 0:
        part = read(min(PART_BYTES, max(1, total - offset)))
        yield offset, part
        offset += len(part)
        if not part:
            return
