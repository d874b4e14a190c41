"""An artifact in an emulated process: outputs, and exact counts."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.errors import Unsupported
from harness.model import Tensors
from harness.target import Footprint, Loaded, Session, SessionTimeouts, Timing, TimingPlan

from ..cut_points import find_cut_points
from .guest import Guest

MOST_INSTRUCTIONS = 1_000_000_000
"""Operators times instructions of an inference, up to which a case is counted operator by operator: some ten seconds of
processor. A limit in seconds would depend on the machine."""


class ArmSession(Session):
    """`request` is what the process was told of the artifact; `counts`: whether the emulator counts instructions."""

    def __init__(
        self,
        guest: Guest,
        artifact: Artifact,
        request: dict[str, Any],
        limits: SessionTimeouts,
        core: str,
        *,
        counts: bool,
    ) -> None:
        self.guest = guest
        self.artifact = artifact
        self.request = request
        self.limits = limits
        self.counts = counts
        self.details = {"core": core, "features": guest.features}
        self.first: dict[str, NDArray[Any]] = {}
        self._is_loaded = False
        self._loaded = self._load()

    def _load(self) -> Loaded:
        said, _ = self.guest.call("load", seconds=self.limits.open_seconds, **self.request)
        self._is_loaded = True
        return Loaded({self.artifact.entry: said["sha256"]}, tuple(said["inputs"]))

    def loaded(self) -> Loaded:
        return self._loaded

    def infer(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        if not self._is_loaded:
            self._load()
        _, outputs = self.guest.call("infer", dict(samples), seconds=self.limits.infer_seconds)
        # Samples come in batches as long as the time allows: the figure is that of the first of all.
        self.first = self.first or {name: values[:1].copy() for name, values in samples.items()}
        return outputs

    def time(self, samples: Tensors, plan: TimingPlan) -> Timing:
        raise Unsupported(f"{self.guest.child.what} is not timed: an emulator knows instructions, not milliseconds.")

    def footprint(self) -> Footprint:
        """Instructions of an inference of the first sample, in all and per operator, and the interpreter's memory, all
        of the artifact loaded anew: how many samples came before has no part in it."""
        if not self.first:
            return Footprint()
        self.guest.call("unload", seconds=self.limits.open_seconds)
        self._is_loaded = False
        reply = self._asked("count", counts=self.counts)
        figures = {name: int(reply[name]) for name in ("heap_bytes", "peak_memory_bytes")}
        if not self.counts:
            details = {**self.details, "instructions": "not counted: this QEMU takes no plugin"}
            return Footprint(figures, frozenset(figures), details=details)
        costs, whole, problem = self._operators(min(reply["counts"]))
        settled, why_not = settled_count(reply["counts"], reply["stable_outputs"], whole)
        figures["instructions"] = settled
        details = {**self.details, **({"per_operator": problem} if problem else {})}
        if why_not:
            details["instructions"] = why_not
        exact = frozenset(figures) - ({"instructions"} if why_not else set())
        return Footprint(figures, exact, costs, details)

    def _asked(self, operation: str, **fields: Any) -> dict[str, Any]:
        reply, _ = self.guest.call(
            operation, self.first, seconds=self.limits.infer_seconds, **{**self.request, **fields}
        )
        return reply

    def _operators(self, instructions: int) -> tuple[tuple[dict[str, Any], ...], int | None, str]:
        """What each operator costs; what the model took when it was loaded again, if it was; why it is not known."""
        cuts = find_cut_points(self.artifact.path.read_bytes())
        if len(cuts.cuts) * instructions > MOST_INSTRUCTIONS:
            return (), None, f"not counted: {len(cuts.cuts)} operators of {instructions:,} instructions take too long"
        reply = self._asked("operators", length_at=cuts.length_at, outputs_at=cuts.outputs_at, cuts=cuts.cuts)
        if "problem" in reply:
            return (), None, f"not counted: {reply['problem']}"
        return operator_costs(cuts.names, reply["counts"]), reply["whole"], ""


def settled_count(counts: list[int], stable: bool, again: int | None) -> tuple[int, str]:
    """The figure, and why it is not exact, or nothing.

    The runtime's own instructions are the same in every call. Python adds some tens of its own now and then (it fetches
    memory for its objects), so the least is the figure; `again` is that of the same model loaded anew.
    """
    least = min(counts)
    if not stable:
        return least, "not exact: the outputs of one input changed from one inference to the next"
    if sum(count == least for count in counts) * 2 <= len(counts):
        return least, f"not exact: from {least} to {max(counts)} in {len(counts)} inferences of one input"
    if again is not None and again != least:
        return least, f"not exact: {least}, and {again} when it was loaded again"
    return least, ""


def operator_costs(names: tuple[str, ...], totals: list[int]) -> tuple[dict[str, Any], ...]:
    """What each operator adds, from the counts of the model cut after each operator. The first has the call itself in
    it."""
    before = [0, *totals[:-1]]
    return tuple(
        {"index": index, "operator": name, "instructions": total - earlier}
        for index, (name, total, earlier) in enumerate(zip(names, totals, before, strict=True))
    )
