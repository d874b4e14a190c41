"""Where a case is measured: the machine that has its target. Without configuration there is one, the engine's own."""

from __future__ import annotations

from typing import Any, Protocol

from harness.artifact import Artifact
from harness.conversion.worker_request import WorkerRequest
from harness.errors import Unavailable
from harness.run.machine import this_machine
from harness.run.measure import Job, ParityResult, measure_latency, measure_parity
from harness.store.record import Latency, Machine
from harness.target import Target


class Place(Protocol):
    """A machine, with its user and cache, that has targets. What measures raises a `CaseError`."""

    @property
    def name(self) -> str:
        """What people call it; empty for the machine that the engine is on."""

    @property
    def machine(self) -> Machine:
        """What decides speed there."""

    @property
    def converts(self) -> bool:
        """Whether it also converts for the engine now, as `harness.conversion.worker_request.RemoteConverter`."""

    @property
    def workers(self) -> int:
        """How many cases it compares side by side; 0 for as many as the run's settings say."""

    @property
    def timings(self) -> int:
        """How many cases are timed at once: one a machine."""

    def set_up(self, target: Target) -> None:
        """Install there what `target` needs. Raises `Unavailable`."""

    def fingerprint(self, target: Target) -> dict[str, str]:
        """What decides the target's figures there."""

    def unsupported_operators(self, target: Target, artifact: Artifact) -> tuple[str, ...]:
        """What of `artifact` the target cannot run there (`Target.unsupported_operators`)."""

    def convert(self, operation: WorkerRequest, identity: str) -> dict[str, Any] | None:
        """An operation of the converter's worker, there; None where that did not come about."""

    def measure_parity(self, job: Job) -> ParityResult:
        """Runs `harness.run.measure.measure_parity` at the place."""

    def measure_latency(self, job: Job) -> Latency:
        """Runs `harness.run.measure.measure_latency` at the place, with nothing beside it."""


class LocalPlace:
    """The machine that the engine is on: its targets are those of this process."""

    name = ""
    converts = False
    workers = 0
    timings = 1

    @property
    def machine(self) -> Machine:
        return this_machine()

    def set_up(self, target: Target) -> None:
        readiness = target.probe()
        if not readiness.ready:
            raise Unavailable(f"{readiness.missing} is missing; {readiness.install}")
        target.prepare()

    def fingerprint(self, target: Target) -> dict[str, str]:
        return target.fingerprint()

    def unsupported_operators(self, target: Target, artifact: Artifact) -> tuple[str, ...]:
        return target.unsupported_operators(artifact)

    def convert(self, operation: WorkerRequest, identity: str) -> dict[str, Any] | None:
        return None  # whoever asks does it itself

    def measure_parity(self, job: Job) -> ParityResult:
        return measure_parity(job)

    def measure_latency(self, job: Job) -> Latency:
        return measure_latency(job)


LOCAL_PLACE = LocalPlace()
