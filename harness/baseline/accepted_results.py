"""The results that a baseline keeps of a case, and the run that they come from."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from harness.artifact import Frozen
from harness.errors import shortened
from harness.store.record import (
    ArtifactSummary,
    CaseResult,
    Comparison,
    Latency,
    Machine,
    ModelOrigin,
    Outcome,
    Parity,
    RunRecord,
    TaskMetric,
)

BASELINE_VERSION = 1


class AcceptedRun(Frozen):
    """Provenance of the cases that were accepted from one run."""

    started: datetime
    commit: str | None
    harness_version: str
    machine: str
    """The machine's id: its milliseconds mean nothing on another."""
    cpu: str
    system: str


class AcceptedArtifact(Frozen):
    """Which bytes they were, and what made them."""

    key: str
    digest: str
    bytes: int
    converter: dict[str, str]
    source: str = ""
    """Identity of the source that it was converted from, a key of `BaselineFile.sources`; empty where it is unknown."""
    options: dict[str, Any] | None = None
    """The converter's options, where they are known."""
    pins: tuple[str, ...] = ()
    """The converter of the variant's own, where it names one."""


class AcceptedOutput(Frozen):
    """One output on one edge; figures as in `Comparison`, six significant digits."""

    output: str
    max_abs: float | None
    sqnr_db: float | None
    max_lsb: int | None = None
    top1_agreement: float | None = None


class AcceptedParity(Frozen):
    samples: int
    reference: str
    conversion: tuple[AcceptedOutput, ...]
    runtime: tuple[AcceptedOutput, ...]
    task: TaskMetric | None = None


class AcceptedLatency(Frozen):
    """Milliseconds, for people: nothing is judged by them."""

    median_ms: float
    low_ms: float
    high_ms: float


class AcceptedCase(Frozen):
    """One case. `figures` are those that are equal at every run."""

    run: str
    outcome: Outcome
    reason: str = ""
    golden: str | None = None
    """Digest of the golden inputs, outputs and labels."""
    artifact: AcceptedArtifact | None = None
    fingerprint: dict[str, str] = Field(default_factory=dict)
    figures: dict[str, int] = Field(default_factory=dict)
    parity: AcceptedParity | None = None
    latency: AcceptedLatency | None = None
    simulated: bool = False
    by_default: bool | None = None
    """Whether the target took the variant without being asked for it by name; null in older baselines."""
    machine: str = ""
    """The id of the machine that it was measured on, where that is another than its run's."""

    @property
    def ran(self) -> bool:
        """Whether it gave outputs."""
        return self.parity is not None


class BaselineFile(Frozen):
    """All of one model. `cases` are by `variant/target`, `runs` and `sources` those that a case names."""

    schema_version: Literal[1] = 1
    model: str
    runs: dict[str, AcceptedRun]
    cases: dict[str, AcceptedCase]
    sources: dict[str, ModelOrigin] = Field(default_factory=dict)
    """Where the sources of the cases' artifacts are, by a source's identity, to convert them again."""


def accepted_run(record: RunRecord) -> AcceptedRun:
    """The provenance of a run."""
    machine: Machine = record.machine
    return AcceptedRun(
        started=record.started,
        commit=record.commit,
        harness_version=record.harness_version,
        machine=machine.id,
        cpu=f"{machine.cpu}, {machine.cores} cores",
        system=machine.system.rsplit(" ", 1)[0],
    )


def origin_in(record: RunRecord, model: str) -> ModelOrigin | None:
    """Where a run had a model's source."""
    return next((found.origin for found in record.models if found.name == model), None)


def accepted_case(record: RunRecord, case: CaseResult) -> AcceptedCase:
    """What a baseline keeps of a case."""
    goldens = {model.name: model.golden_digest for model in record.models}
    return AcceptedCase(
        run=record.id,
        outcome=case.outcome,
        reason=shortened(case.reason, 300),
        golden=goldens.get(case.model),
        artifact=_artifact(case.artifact, origin_in(record, case.model)),
        fingerprint=case.fingerprint,
        figures={name: case.measured.figures[name] for name in case.measured.exact if name in case.measured.figures},
        parity=_parity(case.parity),
        latency=_latency(case.latency),
        simulated=case.simulated,
        by_default=case.by_default,
        machine=record.machine_of(case).id if case.place else "",
    )


def _artifact(artifact: ArtifactSummary | None, origin: ModelOrigin | None) -> AcceptedArtifact | None:
    if artifact is None:
        return None
    return AcceptedArtifact(
        key=artifact.key,
        digest=artifact.digest,
        bytes=artifact.bytes,
        converter=artifact.converter,
        source=origin.identity if origin is not None else "",
        options=artifact.options,
        pins=artifact.pins,
    )


def _parity(parity: Parity | None) -> AcceptedParity | None:
    if parity is None:
        return None
    return AcceptedParity(
        samples=parity.samples,
        reference=parity.reference,
        conversion=tuple(accepted_output(item) for item in parity.conversion),
        runtime=tuple(accepted_output(item) for item in parity.runtime),
        task=_task(parity.task),
    )


def _task(task: TaskMetric | None) -> TaskMetric | None:
    if task is None:
        return None
    return task.model_copy(update={"value": _significant(task.value), "golden": _significant(task.golden)})


def accepted_output(item: Comparison) -> AcceptedOutput:
    """What a baseline keeps of one output on one edge."""
    return AcceptedOutput(
        output=item.output,
        max_abs=_rounded(item.max_abs),
        sqnr_db=_rounded(item.sqnr_db),
        max_lsb=item.max_lsb,
        top1_agreement=_rounded(item.top1_agreement),
    )


def _latency(latency: Latency | None) -> AcceptedLatency | None:
    if latency is None:
        return None
    low, high = latency.median_interval.low, latency.median_interval.high
    median, low, high = (float(f"{value:.4g}") for value in (latency.median_ms, low, high))
    return AcceptedLatency(median_ms=median, low_ms=low, high_ms=high)


def _rounded(value: float | None) -> float | None:
    return None if value is None else _significant(value)


def _significant(value: float) -> float:
    return float(f"{value:.6g}")
