"""From what was measured to what the record says: one outcome a case."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.artifact import Artifact
from harness.conversion.converter import READY, Prepared
from harness.conversion.origin import origin_of
from harness.errors import CaseError, Crashed, TimedOut, Unavailable, Unsupported
from harness.gate.judge_case import judge_case
from harness.gate.policy import Policy
from harness.remedies.explain import reason as explained
from harness.run.matrix import Case
from harness.store.record import (
    ArtifactSummary,
    CaseResult,
    Check,
    Latency,
    LoadedFiles,
    Measured,
    ModelSummary,
    Outcome,
    Parity,
)
from harness.store.runs import write_atomically
from harness.variant import Variant

OUTCOMES: Mapping[type[CaseError], Outcome] = {
    Unsupported: Outcome.UNSUPPORTED,
    Unavailable: Outcome.UNAVAILABLE,
    Crashed: Outcome.CRASHED,
    TimedOut: Outcome.TIMED_OUT,
}
"""Any other `CaseError` is a failure."""
LONGEST_RECIPE = 4000


@dataclass
class Finished:
    """What is known of one case so far."""

    case: Case
    key: str = ""
    artifact: Artifact | None = None
    fingerprint: dict[str, str] = field(default_factory=dict)
    parity: Parity | None = None
    latency: Latency | None = None
    latency_note: str = ""
    measured: Measured = field(default_factory=Measured)
    problem: CaseError | None = None
    seconds: float = 0.0
    reused_from: str | None = None

    def end(self, problem: CaseError) -> None:
        """The case ends here, for this reason."""
        self.problem = problem

    def is_done(self, parity_only: bool) -> bool:
        """Whether all that was asked of it is there."""
        if self.problem is not None:
            return True
        return self.parity is not None and (parity_only or self.latency is not None or not self.case.timed)


def case_result(finished: Finished, results: Path, policy: Policy | None = None) -> CaseResult:
    """The record's entry of a finished case, judged by `policy` (the default one if not given); its log, if there is
    one, is written below `results/logs`."""
    case, artifact, problem = finished.case, finished.artifact, finished.problem
    checks: tuple[Check, ...] = ()
    log = None
    if problem is not None:
        outcome = OUTCOMES.get(type(problem), Outcome.FAILED)
        if problem.log:
            log = f"logs/{case.model.name}.{case.variant.name}.{case.target.name.replace('/', '.')}.txt"
            write_atomically(results / log, problem.log)
        reason = explained(problem, results / log if log else None)
    else:
        assert finished.parity is not None
        checks = judge_case(
            case.name,
            finished.parity,
            finished.latency,
            finished.measured,
            finished.fingerprint,
            policy or Policy(),
            scheme=artifact.scheme if artifact is not None else "",
        )
        broken = [check for check in checks if not check.passed]
        outcome = Outcome.FAILED if broken else Outcome.PASSED
        reason = broken[0].message if broken else ""
    answers = (finished.measured.details, finished.latency.details if finished.latency else {})
    software = any(details.get("software_renderer") == "true" for details in answers)
    return CaseResult(
        key=finished.key,
        model=case.model.name,
        variant=case.variant.name,
        target=case.target.name,
        outcome=outcome,
        reason=reason,
        log=log,
        artifact=summary(artifact, case.variant) if artifact is not None else None,
        fingerprint=finished.fingerprint,
        parity=finished.parity,
        latency=finished.latency,
        latency_note=finished.latency_note,
        measured=finished.measured,
        checks=checks,
        simulated=case.target.simulated or software,
        seconds=round(finished.seconds, 3),
        reused_from=finished.reused_from,
    )


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
    found: dict[str, ModelSummary] = {}
    for case in cases:
        entry = case.model
        if entry.name in found:
            continue
        ready = prepared.get(entry.name)
        found[entry.name] = ModelSummary(
            name=entry.name,
            summary=entry.summary,
            task=entry.task,
            samples=ready.facts["samples"] if isinstance(ready, Prepared) else None,
            source=str(ready.facts["recognised"]) if isinstance(ready, Prepared) else entry.source.kind,
            golden_digest=ready.golden_digest if isinstance(ready, Prepared) else None,
            golden_metric=golden_metric.get(entry.name),
            origin=origin_of(entry.source, root) if isinstance(ready, Prepared) else None,
            **(tested(ready) if isinstance(ready, Prepared) else {}),
        )
    return tuple(found.values())


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
