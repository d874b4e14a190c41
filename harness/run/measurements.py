"""What earlier runs measured of a case, and what this one keeps for later ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.conversion.prepared_model import PreparedModel
from harness.errors import Failed, error_text
from harness.run import addressing
from harness.run.matrix import Case
from harness.run.measure import Job, ParityResult
from harness.run.place import LOCAL_PLACE
from harness.run.results import CaseState
from harness.store.record import Latency, Machine, Measured, Parity
from harness.store.runs import CaseStore
from harness.target import TimingPlan

OF_ANOTHER_VERSION = (ValidationError, KeyError, TypeError)
"""What reading an entry raises that another version of the harness has written: it is measured again."""


class Measurements:
    """The measurements of one run by their content addresses. Used by several threads."""

    def __init__(self, cache: Path, run: str, note: Callable[[str], None], *, fresh: bool) -> None:
        """`run`: id of the run. `fresh`: nothing of earlier runs counts. `note`: prints what could not be kept."""
        self._store = CaseStore(cache)
        self._run, self._note, self._fresh = run, note, fresh
        self._identities = addressing.Identities()

    def address(self, state: CaseState, job: Job, prepared: PreparedModel) -> None:
        """Put down the key of a case's comparison, and what its target said that it is."""
        identity = self._identities.of(state.case.target, state.case.place)
        state.fingerprint = identity.fingerprint
        state.key = addressing.parity_key(identity, job, prepared)

    def latency_key(self, state: CaseState, plan: TimingPlan, here: Machine) -> str:
        """The key of a case's timing, on the machine of its place."""
        place = state.case.place
        machine = here if place is LOCAL_PLACE else place.machine
        identity = self._identities.of(state.case.target, place)
        return addressing.latency_key(state.key, plan, machine.id, identity)

    def recall_parity(self, state: CaseState) -> bool:
        """Whether an earlier run compared it; what that gave is put down then."""
        known = self._find("parity", state.key)
        if known is None:
            return False
        try:
            parity, measured = Parity(**known["parity"]), Measured(**known["measured"])
            seconds, run = known["seconds"], known["run"]
        except OF_ANOTHER_VERSION:
            return False
        state.parity, state.measured, state.reused_from = parity, measured, run
        state.seconds += seconds
        return True

    def recall_latency(self, state: CaseState, key: str) -> bool:
        """Whether an earlier run timed it; what that gave is put down then."""
        known = self._find("latency", key)
        if known is None:
            return False
        try:
            latency, seconds, run = Latency(**known["latency"]), known["seconds"], known["run"]
        except OF_ANOTHER_VERSION:
            return False
        state.latency = latency
        state.seconds += seconds
        if state.reused_from is not None:  # else its outputs were compared in this run
            state.reused_from = run
        return True

    def keep_parity(self, state: CaseState, result: ParityResult) -> None:
        """Keeps the result for later runs, if it is whole: figures that are missing may be there next time. Raises
        `Failed`."""
        self._check_unchanged(state.case)
        if result.measured.note:
            return
        value = {
            "parity": result.parity.model_dump(mode="json"),
            "measured": result.measured.model_dump(mode="json"),
            "seconds": result.seconds,
        }
        self._keep("parity", state.key, value)

    def keep_latency(self, state: CaseState, key: str, latency: Latency, seconds: float) -> None:
        """Keeps the latency for later runs. Raises `Failed`."""
        self._check_unchanged(state.case)
        self._keep("latency", key, {"latency": latency.model_dump(mode="json"), "seconds": seconds})

    def _check_unchanged(self, case: Case) -> None:
        """Raises `Failed` where what was measured is another target than the one that it would be kept under."""
        if changed := self._identities.changed(case.target, case.place):
            raise Failed(f"{case.target.name} was changed while it was measured ({changed}); run it again.")

    def _find(self, kind: str, key: str) -> dict[str, Any] | None:
        return None if self._fresh else self._store.find(kind, key)

    def _keep(self, kind: str, key: str, value: dict[str, Any]) -> None:
        """Puts a value into the store of finished cases. If storing fails, this run still has the figures."""
        try:
            self._store.put(kind, key, {"run": self._run, **value})
        except OSError as error:
            self._note(f"What was measured cannot be kept for the next run: {error_text(error)}.")
