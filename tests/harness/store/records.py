"""Small made-up records for the tests of the store and the history."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from harness.artifact import FileHash
from harness.store.record import (
    ArtifactSummary,
    CaseResult,
    Comparison,
    Interval,
    Latency,
    Machine,
    Measured,
    Outcome,
    Parity,
    RunRecord,
    SteadyState,
    TaskMetric,
)

BEGIN = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


def make_latency(
    median_ms: float,
    samples_ns: tuple[int, ...] = (),
    state: SteadyState = SteadyState.FLAT,
) -> Latency:
    """A timing all of whose figures are in proportion to its median."""
    return Latency(
        state=state,
        warmup_discarded=0,
        iterations=len(samples_ns),
        first_ms=2 * median_ms,
        median_ms=median_ms,
        p90_ms=1.1 * median_ms,
        p99_ms=1.2 * median_ms,
        min_ms=0.9 * median_ms,
        median_interval=Interval(low=0.99 * median_ms, high=1.01 * median_ms),
        samples_ns=samples_ns,
    )


def make_case(
    target: str = "tflite/litert",
    *,
    model: str = "digits",
    variant: str = "int8",
    median_ms: float | None = 1.0,
    measured_on: int = 0,
    state: SteadyState = SteadyState.FLAT,
    size: int = 1000,
    sqnr_db: float | None = 40.0,
    task: float | None = None,
    figures: Mapping[str, int] | None = None,
    fingerprint: Mapping[str, str] | None = None,
    converter: str = "2.19.0",
    finite: bool = True,
    simulated: bool = False,
) -> CaseResult:
    """One case; `measured_on` sets the raw samples, so equal values are one measurement."""
    digest = hashlib.sha256(f"{model} {variant} {size} {converter}".encode()).hexdigest()
    comparison = Comparison(
        output="scores",
        finite=finite,
        elements=10,
        max_abs=0.1 if finite else None,
        mean_abs=0.01,
        rmse=0.02,
        sqnr_db=sqnr_db,
        cosine=1.0,
        max_lsb=1,
        smallest_tolerance=0.1,
    )
    latency = None
    if median_ms is not None:
        latency = make_latency(median_ms, (int(median_ms * 1e6), 1_000_000 + measured_on, 1_000_001), state)
    return CaseResult(
        key=digest,
        model=model,
        variant=variant,
        target=target,
        outcome=Outcome.PASSED,
        artifact=ArtifactSummary(
            key=digest,
            digest=digest,
            bytes=size,
            files=(FileHash(path="model.tflite", bytes=size, sha256=digest),),
            operators={"CONV_2D": 1},
            converter={"tensorflow": converter},
        ),
        fingerprint=dict(fingerprint or {"runtime": "litert 2.1.0", "threads": "1"}),
        parity=Parity(
            samples=5,
            reference="reference",
            conversion=(comparison,),
            runtime=(comparison,),
            end_to_end=(comparison,),
            task=None if task is None else TaskMetric(name="accuracy", value=task, golden=0.975, samples=360),
        ),
        latency=latency,
        measured=Measured(figures=dict(figures or {})),
        simulated=simulated,
        seconds=0.1,
    )


def make_record(
    day: int = 0,
    *cases: CaseResult,
    machine: str = "laptop",
    commit: str | None = "c" * 40,
    suffix: str = "",
    begin: datetime = BEGIN,
) -> RunRecord:
    """The record of a day, with one case where none is given; equal arguments make equal records."""
    started = begin + timedelta(days=day)
    unique = hashlib.sha256(f"{machine} {day} {suffix}".encode()).hexdigest()[:8]
    return RunRecord(
        id=f"{started:%Y%m%dT%H%M%SZ}-{unique}",
        started=started,
        finished=started + timedelta(minutes=5),
        status="complete",
        command="harness run",
        harness_version="0.1.0",
        commit=commit,
        machine=Machine(
            id=machine,
            cpu=f"CPU of {machine}",
            cores=2,
            memory_bytes=1 << 30,
            system="Linux",
            python="3.11",
            load_average=0,
        ),
        models=(),
        cases=cases or (make_case(measured_on=day),),
    )
