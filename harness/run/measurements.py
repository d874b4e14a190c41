"""What earlier runs measured of a case, and what this one keeps for later ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.conversion.prepared import Prepared
from harness.errors import Failed, error_text
from harness.run import addressing
from harness.run.matrix import Case
from harness.run.measure import Job, ParityResult
from harness.run.place import HERE
from harness.run.results import Finished
from harness.store.record import Latency, Machine, Measured, Parity
from harness.store.runs import CaseStore
from harness.target import TimingPlan

OF_ANOTHER_VERSION = (ValidationError, KeyError, TypeError)
"""What reading an entry raises that another version of the harness has written: it is measured again."""


class Measurements:
    """The measurements of one run by their content addresses. Used by several threads."""

    def __init__(self, cache: Path, run: str, note: Callable[[str], None], *, fresh: bool) -> None:
        """`run`: its id. `fresh`: nothing of earlier runs counts. `note` is told what could not be kept."""
        self._store = CaseStore(cache)
        self._run, self._note, self._fresh = run, note, fresh
        self._identities = addressing.Identities()

    def address(self, finished: Finished, job: Job, prepared: Prepared) -> None:
        """Put down the key of a case's comparison, and what its target said that it is."""
        identity = self._identities.of(finished.case.target, finished.case.place)
        finished.fingerprint = identity.fingerprint
        finished.key = addressing.parity_key(identity, job, prepared)

    def latency_key(self, finished: Finished, plan: TimingPlan, here: Machine) -> str:
        """The key of a case's timing, on the machine of its place."""
        place = finished.case.place
        machine = here if place is HERE else place.machine
        identity = self._identities.of(finished.case.target, place)
        return addressing.latency_key(finished.key, plan, machine.id, identity)

    def recall_parity(self, finished: Finished) -> bool:
        """Whether an earlier run compared it; what that gave is put down then."""
        known = self._find("parity", finished.key)
        if known is None:
            return False
        try:
            parity, measured = Parity(**known["parity"]), Measured(**known["measured"])
            seconds, run = known["seconds"], known["run"]
        except OF_ANOTHER_VERSION:
            return False
        finished.parity, finished.measured, finished.reused_from = parity, measured, run
        finished.seconds += seconds
        return True

    def recall_latency(self, finished: Finished, key: str) -> bool:
        """Whether an earlier run timed it; what that gave is put down then."""
        known = self._find("latency", key)
        if known is None:
            return False
        try:
            latency, seconds, run = Latency(**known["latency"]), known["seconds"], known["run"]
        except OF_ANOTHER_VERSION:
            return False
        finished.latency = latency
        finished.seconds += seconds
        if finished.reused_from is not None:  # else its outputs were compared in this run
            finished.reused_from = run
        return True

    def keep_parity(self, finished: Finished, result: ParityResult) -> None:
        """For later runs, if it is whole: figures that are missing may be there next time. Raises `Failed`."""
        self._check_unchanged(finished.case)
        if result.measured.note:
            return
        value = {
            "parity": result.parity.model_dump(mode="json"),
            "measured": result.measured.model_dump(mode="json"),
            "seconds": result.seconds,
        }
        self._keep("parity", finished.key, value)

    def keep_latency(self, finished: Finished, key: str, latency: Latency, seconds: float) -> None:
        """For later runs. Raises `Failed`."""
        self._check_unchanged(finished.case)
        self._keep("latency", key, {"latency": latency.model_dump(mode="json"), "seconds": seconds})

    def _check_unchanged(self, case: Case) -> None:
        """Raises `Failed` where what was measured is another target than the one that it would be kept under."""
        if changed := self._identities.changed(case.target, case.place):
            raise Failed(f"{case.target.name} was changed while it was measured ({changed}); run it again.")

    def _find(self, kind: str, key: str) -> dict[str, Any] | None:
        return None if self._fresh else self._store.find(kind, key)

    def _keep(self, kind: str, key: str, value: dict[str, Any]) -> None:
        """Into the store of finished cases; this run has its figures also where that fails."""
        try:
            self._store.put(kind, key, {"run": self._run, **value})
        except OSError as error:
            self._note(f"What was measured cannot be kept for the next run: {error_text(error)}.")
