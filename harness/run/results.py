"""Turns what was measured into the record's entries: one outcome for each case."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.artifact import Artifact
from harness.conversion.model_entry import ModelEntry
from harness.conversion.origin import origin_of
from harness.conversion.prepared import Prepared
from harness.errors import WHATEVER, CaseError, Crashed, TimedOut, Unavailable, Unsupported, as_case_error
from harness.gate.judge_case import judge_case
from harness.gate.policy import Policy
from harness.gate.worst import worst
from harness.remedies.explain import reason as explained
from harness.run.matrix import Case
from harness.store.record import (
    ArtifactSummary,
    CaseResult,
    Check,
    Conditioning,
    Latency,
    LoadedFiles,
    Measured,
    ModelSummary,
    Outcome,
    Parity,
)
from harness.store.runs import write_atomically
from harness.variant import READY, Variant

OUTCOMES: Mapping[type[CaseError], Outcome] = {
    Unsupported: Outcome.UNSUPPORTED,
    Unavailable: Outcome.UNAVAILABLE,
    Crashed: Outcome.CRASHED,
    TimedOut: Outcome.TIMED_OUT,
}
"""Each with its subclasses; any other `CaseError` is a failure."""
LONGEST_RECIPE = 4000


@dataclass
class Finished:
    """What is known of one case so far."""

    case: Case
    key: str = ""
    artifact: Artifact | None = None
    fingerprint: dict[str, str] = field(default_factory=dict)
    parity: Parity | None = None
    conditioning: Conditioning | None = None
    latency: Latency | None = None
    latency_note: str = ""
    measured: Measured = field(default_factory=Measured)
    problem: CaseError | None = None
    seconds: float = 0.0
    reused_from: str | None = None

    def end(self, problem: CaseError) -> None:
        """The case ends here, for this reason; what ended it first stays."""
        self.problem = self.problem or problem

    @property
    def has_result(self) -> bool:
        """Whether there is anything to be put on record."""
        return self.problem is not None or self.parity is not None

    def note_yardstick(self, standing: str, note: str) -> None:
        """What was found out of the reference that it was compared with."""
        if self.parity is None or not standing:
            return
        before = self.parity.yardstick_note
        if self.parity.yardstick == "stand-in":
            standing = "stand-in" if standing == "confirmed" else standing
            note = f"{before} {note}".strip()
        self.parity = self.parity.model_copy(update={"yardstick": standing, "yardstick_note": note})

    def is_done(self, parity_only: bool) -> bool:
        """Whether all that was asked of it is there."""
        if self.problem is not None:
            return True
        untimed = not self.case.timed or bool(self.latency_note)
        return self.parity is not None and (parity_only or self.latency is not None or untimed)


def outcome_of(problem: CaseError) -> Outcome:
    """How a case ends that an error ended."""
    return next((outcome for kind, outcome in OUTCOMES.items() if isinstance(problem, kind)), Outcome.FAILED)


@dataclass(frozen=True)
class Standing:
    """How a case stands by what is known of it: what ended it, or the checks that judged it."""

    outcome: Outcome
    reason: str
    problem: CaseError | None
    checks: tuple[Check, ...]


def standing_of(finished: Finished, policy: Policy | None = None) -> Standing:
    """Judged by `policy` (the default one if not given). Never raises: a case that cannot be judged says so."""
    problem = finished.problem
    if (
        finished.parity is not None and finished.conditioning is not None
    ):  # no part of what was measured: what limits it
        finished.parity = finished.parity.model_copy(update={"conditioning": finished.conditioning})
    checks: tuple[Check, ...] = ()
    if problem is None:
        try:
            checks = judged(finished, policy or Policy())
        except WHATEVER as error:
            problem = as_case_error(error, "Judging")
    if problem is not None:
        return Standing(outcome_of(problem), explained(problem), problem, checks)
    broken = worst(checks)
    unmeasured = finished.parity.unmeasured if finished.parity is not None else ""
    outcome = Outcome.FAILED if broken else Outcome.UNMEASURED if unmeasured else Outcome.PASSED
    return Standing(outcome, broken.message if broken else unmeasured, None, checks)


def case_result(finished: Finished, results: Path, policy: Policy | None = None) -> CaseResult:
    """The record's entry of a finished case, as it stands; its log, if there is one, is written below `results/logs`.
    Never raises."""
    case, artifact, standing = finished.case, finished.artifact, standing_of(finished, policy)
    log = write_log(case, standing.problem.log, results) if standing.problem is not None else None
    answers = (finished.measured.details, finished.latency.details if finished.latency else {})
    software = any(details.get("software_renderer") == "true" for details in answers)
    return CaseResult(
        key=finished.key,
        model=case.model.name,
        variant=case.variant.name,
        target=case.name.target,
        place=case.place.name,
        outcome=standing.outcome,
        reason=standing.reason,
        log=log,
        artifact=summary(artifact, case.variant) if artifact is not None else None,
        fingerprint=finished.fingerprint,
        parity=finished.parity,
        latency=finished.latency,
        latency_note=finished.latency_note,
        measured=finished.measured,
        checks=standing.checks,
        simulated=case.target.simulated or software,
        seconds=round(finished.seconds, 3),
        reused_from=finished.reused_from,
    )


def judged(finished: Finished, policy: Policy) -> tuple[Check, ...]:
    """Every check of a case that was measured."""
    assert finished.parity is not None
    case, artifact = finished.case, finished.artifact
    return judge_case(
        case.name,
        finished.parity,
        finished.latency,
        finished.measured,
        finished.fingerprint,
        policy,
        scheme=artifact.scheme if artifact is not None else "",
    )


def write_log(case: Case, text: str, results: Path) -> str | None:
    """Write a case's log and return its path below `results`; None for an empty log, and where it cannot be written."""
    if not text:
        return None
    log = f"logs/{case.model.name}.{case.variant.name}.{case.name.target.replace('/', '.')}.txt"
    try:
        write_atomically(results / log, text)
    except OSError:
        return None
    return log


def summary(artifact: Artifact, variant: Variant) -> ArtifactSummary:
    """What the record keeps of an artifact."""
    return ArtifactSummary(
        key=artifact.key,
        digest=artifact.digest,
        bytes=artifact.bytes,
        files=artifact.files,
        operators=artifact.operators,
        converter=artifact.converter,
        scheme=artifact.scheme,
        base=variant.base,
        options=_recipe(variant),
        pins=variant.converter,
    )


def _recipe(variant: Variant) -> dict[str, Any] | None:
    """A variant's options, unless there are none or they are too long to repeat in every case (a labels file)."""
    if variant.name == READY.name or len(json.dumps(variant.options)) > LONGEST_RECIPE:
        return None
    return dict(variant.options)


def model_summaries(
    cases: Iterable[Case], prepared: Mapping[str, Prepared | CaseError], results: Iterable[CaseResult], root: Path
) -> tuple[ModelSummary, ...]:
    """Each model once, with its golden where there is one, and where its source is below `root`."""
    golden_metric = {r.model: r.parity.task.golden for r in results if r.parity and r.parity.task}
    entries = {case.model.name: case.model for case in cases}
    return tuple(
        model_summary(entry, prepared.get(name), golden_metric.get(name), root) for name, entry in entries.items()
    )


def model_summary(
    entry: ModelEntry, prepared: Prepared | CaseError | None, golden_metric: float | None, root: Path
) -> ModelSummary:
    """One model. Where its source is, is left out where that cannot be told any more."""
    bare = ModelSummary(
        name=entry.name, summary=entry.summary, task=entry.task, source=entry.source.kind, golden_metric=golden_metric
    )
    if not isinstance(prepared, Prepared):
        return bare
    try:
        origin = origin_of(entry.source, root)
    except Exception:  # a file of it went, or changed its kind, while the run went on
        origin = None
    known = {
        "samples": prepared.facts.get("samples"),
        "source": str(prepared.facts.get("recognised", entry.source.kind)),
        "golden_digest": prepared.golden_digest,
        "origin": origin,
        **tested(prepared),
    }
    return bare.model_copy(update=known)


def tested(prepared: Prepared) -> dict[str, Any]:
    """What of a source was tested, as the converter's process found it: the fields of a `ModelSummary`."""
    facts = prepared.facts
    chosen, all_of_them = facts.get("signature", ""), facts.get("signatures", ())
    opened = facts.get("opened")
    return {
        "loaded": opened and LoadedFiles(files=opened, inputs=tuple(spec["name"] for spec in facts["inputs"])),
        "signature": chosen,
        "untested_signatures": tuple(name for name in all_of_them if chosen and name != chosen),
    }
