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
from harness.conversion.prepared_model import PreparedModel
from harness.errors import ANY_ERROR, CaseError, Crashed, TimedOut, Unavailable, Unsupported, as_case_error
from harness.gate.judge_case import judge_case
from harness.gate.policy import Policy
from harness.gate.severity import worst
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
    ReferenceStanding,
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
class CaseState:
    """What is known of one case so far."""

    case: Case
    key: str = ""
    """Content address of what is measured; empty until its artifact is known."""
    artifact: Artifact | None = None
    """What was converted for it; cases of one recipe share it."""
    fingerprint: dict[str, str] = field(default_factory=dict)
    """What decides the target's answers, as the target said it before it was measured."""
    parity: Parity | None = None
    conditioning: Conditioning | None = None
    """How far the artifact's outputs move when its operators round otherwise."""
    latency: Latency | None = None
    latency_note: str = ""
    """Why there is no latency; empty if there is one."""
    measured: Measured = field(default_factory=Measured)
    problem: CaseError | None = None
    """What ended the case before it was judged."""
    seconds: float = 0.0
    """What measuring took, in this run or in the one that it is reused from."""
    reused_from: str | None = None
    """The run that measured it, if this one did not."""

    def end(self, problem: CaseError) -> None:
        """The case ends here, for this reason; what ended it first stays."""
        self.problem = self.problem or problem

    @property
    def has_result(self) -> bool:
        """Whether there is anything to be put on record."""
        return self.problem is not None or self.parity is not None

    def note_yardstick(self, standing: ReferenceStanding, note: str) -> None:
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
class CaseJudgement:
    """How a case stands by what is known of it: what ended it, or the checks that judged it."""

    outcome: Outcome
    reason: str
    problem: CaseError | None
    checks: tuple[Check, ...]


def judge_state(state: CaseState, policy: Policy | None = None) -> CaseJudgement:
    """Judged by `policy` (the default one if not given). Never raises: a case that cannot be judged says so."""
    problem = state.problem
    if state.parity is not None and state.conditioning is not None:  # no part of what was measured: what limits it
        state.parity = state.parity.model_copy(update={"conditioning": state.conditioning})
    checks: tuple[Check, ...] = ()
    if problem is None:
        try:
            checks = case_checks(state, policy or Policy())
        except ANY_ERROR as error:
            problem = as_case_error(error, "Judging")
    if problem is not None:
        return CaseJudgement(outcome_of(problem), explained(problem), problem, checks)
    broken = worst(checks)
    unmeasured = state.parity.unmeasured if state.parity is not None else ""
    outcome = Outcome.FAILED if broken else Outcome.UNMEASURED if unmeasured else Outcome.PASSED
    return CaseJudgement(outcome, broken.message if broken else unmeasured, None, checks)


def case_result(state: CaseState, results: Path, policy: Policy | None = None) -> CaseResult:
    """The record's entry of a finished case, as it stands; its log, if there is one, is written below `results/logs`.
    Never raises."""
    case, artifact, standing = state.case, state.artifact, judge_state(state, policy)
    log = write_log(case, standing.problem.log, results) if standing.problem is not None else None
    answers = (state.measured.details, state.latency.details if state.latency else {})
    software = any(details.get("software_renderer") == "true" for details in answers)
    return CaseResult(
        key=state.key,
        model=case.model.name,
        variant=case.variant.name,
        target=case.name.target,
        place=case.place.name,
        format=case.format.name,
        by_default=case.by_default,
        outcome=standing.outcome,
        reason=standing.reason,
        log=log,
        artifact=artifact_summary(artifact, case.variant) if artifact is not None else None,
        fingerprint=state.fingerprint,
        parity=state.parity,
        latency=state.latency,
        latency_note=state.latency_note,
        measured=state.measured,
        checks=standing.checks,
        simulated=case.target.simulated or software,
        seconds=round(state.seconds, 3),
        reused_from=state.reused_from,
    )


def case_checks(state: CaseState, policy: Policy) -> tuple[Check, ...]:
    """Every check of a case that was measured."""
    assert state.parity is not None
    case, artifact = state.case, state.artifact
    return judge_case(
        case.name,
        state.parity,
        state.latency,
        state.measured,
        state.fingerprint,
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


def artifact_summary(artifact: Artifact, variant: Variant) -> ArtifactSummary:
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
    cases: Iterable[Case], prepared: Mapping[str, PreparedModel | CaseError], results: Iterable[CaseResult], root: Path
) -> tuple[ModelSummary, ...]:
    """Each model once, with its golden where there is one, and where its source is below `root`."""
    golden_metric = {r.model: r.parity.task.golden for r in results if r.parity and r.parity.task}
    entries = {case.model.name: case.model for case in cases}
    return tuple(
        model_summary(entry, prepared.get(name), golden_metric.get(name), root) for name, entry in entries.items()
    )


def model_summary(
    entry: ModelEntry, prepared: PreparedModel | CaseError | None, golden_metric: float | None, root: Path
) -> ModelSummary:
    """One model. Where its source is, is left out where that cannot be told any more."""
    bare = ModelSummary(
        name=entry.name, summary=entry.summary, task=entry.task, source=entry.source.kind, golden_metric=golden_metric
    )
    if not isinstance(prepared, PreparedModel):
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
        **tested_fields(prepared),
    }
    return bare.model_copy(update=known)


def tested_fields(prepared: PreparedModel) -> dict[str, Any]:
    """What of a source was tested, as the converter's process found it: the fields of a `ModelSummary`."""
    facts = prepared.facts
    chosen, all_of_them = facts.get("signature", ""), facts.get("signatures", ())
    opened = facts.get("opened")
    return {
        "loaded": opened and LoadedFiles(files=opened, inputs=tuple(spec["name"] for spec in facts["inputs"])),
        "signature": chosen,
        "untested_signatures": tuple(name for name in all_of_them if chosen and name != chosen),
    }
