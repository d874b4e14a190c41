"""Measuring one case. Each function takes values that can be sent to another process or machine, and returns one.

Nothing here is shared with the engine: a job names its target, and all else is on disk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from harness import registry
from harness.artifact import Artifact
from harness.budget import SampleBudget, explain
from harness.conversion.golden import read_golden
from harness.conversion.model_entry import Task
from harness.conversion.reference import Reference
from harness.errors import ANY_ERROR, CaseError, Crashed, Failed, error_text
from harness.loaded import check_loaded
from harness.model import DetectionOutputs, Tensors
from harness.named_arrays import first_samples
from harness.store.record import Comparison, Latency, LoadedFiles, Measured, OperatorCost, Parity, ReferenceStanding
from harness.target import Footprint, Loaded, Session, TimingPlan, require_one_output_per_sample

CHEAP_SECONDS = 10.0
"""A comparison that took longer is not made a second time for information alone."""


@dataclass(frozen=True)
class Job:
    """All that measuring one case takes."""

    NOT_IN_ADDRESS: ClassVar = {
        "golden": "where it is now; its digest is part of the address beside it",
        "plan": "how long to time, which decides the latency alone: part of its own address",
    }

    target: str
    """The target's name; whoever measures looks it up."""
    artifact: Artifact
    golden: Path
    """The file of inputs and TensorFlow's outputs."""
    reference: Reference
    """What the artifact gives in its reference interpreter, or in what takes that one's place."""
    task: Task
    plan: TimingPlan
    reference_standing: ReferenceStanding = ""
    """What became of the first choice of reference (`Parity.yardstick`)."""
    reference_note: str = ""
    """The same in a sentence."""
    unmeasured: str = ""
    """Why the reference says nothing of this target."""
    sequence_reference: Reference | None = None
    """What the reference gives where state is kept from sample to sample, of a model with state that does not say
    whether its samples are a stream."""
    budget: SampleBudget = field(default_factory=SampleBudget)
    """How many inputs are compared."""
    detection: DetectionOutputs | None = None
    """Which outputs hold the detections of a detector."""


@dataclass(frozen=True)
class ParityResult:
    """What the parity step of one case saw."""

    parity: Parity
    measured: Measured
    seconds: float
    """What it took, from reading the golden on."""


def measure_parity(job: Job) -> ParityResult:
    """The golden's inputs through the target, as many as the budget allows, compared along both edges.

    Raises a `CaseError`.
    """
    from harness.parity.comparison import Incomparable
    from harness.parity.edges import compare_edges

    begun = time.monotonic()
    golden = read_golden(job.golden)
    reference = job.reference.read()
    available = len(golden)
    referenced = min([available, *(len(values) for values in reference.values())])
    stored = job.artifact.stored(golden.inputs, samples=referenced)
    with opened(job) as session:
        is_stream = job.artifact.sequence and job.artifact.state != "none"
        actual = infer_within(session, stored, job.budget, together=is_stream)
        loaded = session.loaded()
        sizes = sizes_of(session, job, loaded)
    try:
        used = min([referenced, *(len(values) for values in actual.values())])
        result = compare_edges(
            first_samples(golden.outputs, used),
            first_samples(reference, used),
            first_samples(actual, used),
            job.artifact.outputs,
            labels=None if golden.labels is None else golden.labels[:used],
            task=job.task,
            reference_name=job.reference.interpreter,
            inputs=first_samples(golden.inputs, used),
            detection=job.detection,
        ).model_copy(update={"available": available, "samples_note": explain(used, available, job.budget, referenced)})
    except Incomparable as error:
        raise Failed(str(error)) from error
    result = result.model_copy(
        update={
            "yardstick": job.reference_standing,
            "yardstick_note": job.reference_note,
            "unmeasured": job.unmeasured,
        }
    )
    if job.unmeasured:
        result = result.model_copy(update={"runtime": ()})
    if job.artifact.state != "none":
        result = result.model_copy(update={"state": "sequence" if job.artifact.sequence else "fresh"})
    if job.sequence_reference is not None and time.monotonic() - begun < CHEAP_SECONDS:
        result = result.model_copy(
            update={"in_sequence": compare_as_stream(job, first_samples(stored, used), job.sequence_reference)}
        )
    return ParityResult(result, sizes, time.monotonic() - begun)


def compare_as_stream(job: Job, stored: Tensors, kept: Reference) -> tuple[Comparison, ...]:
    """The runtime edge with state kept from each sample to the next. Nothing where the target does not get that far:
    what was asked for has been measured."""
    from harness.parity.ragged_outputs import compare_output

    if registry.targets()[job.target].slot != "processor":  # a browser or an emulator takes seconds
        return ()
    expected = first_samples(kept.read(), len(next(iter(stored.values()))))
    try:
        with opened(replace(job, artifact=job.artifact.model_copy(update={"sequence": True}))) as session:
            actual = session.infer(stored)
        return tuple(compare_output(info.name, actual, expected, info, info) for info in job.artifact.outputs)
    except Exception:  # for information alone
        return ()


def infer_within(session: Session, samples: Tensors, budget: SampleBudget, *, together: bool = False) -> Tensors:
    """Outputs of as many samples, from the first, as the budget allows. `together`: all that there are, in one call,
    because they share state."""
    limit = budget.limit(len(next(iter(samples.values()))))
    chosen = first_samples(samples, limit)
    if budget.samples is not None or together:
        return require_one_output_per_sample(session.infer(chosen), limit)
    return session.infer_within(chosen, budget.seconds)


def measure_latency(job: Job) -> Latency:
    """The first golden input again and again. Raises a `CaseError`. To be run alone on its machine."""
    from harness.latency.statistics import summarise

    golden = read_golden(job.golden)
    stored = job.artifact.stored(golden.inputs, samples=1)
    load = os.getloadavg()[0]
    registry.targets()[job.target].end_leftovers()
    with opened(job) as session:
        timing = session.time(stored, job.plan)
    if len(timing.samples_ns) == 0:
        raise Crashed(f"{job.target} returned no timing samples.")
    return summarise(timing, load)


def sizes_of(session: Session, job: Job, loaded: Loaded | None) -> Measured:
    """The session's sizes and the artifact's. Outputs are here by then: what goes wrong costs the figures alone."""
    try:
        return measured(session.footprint(), job.artifact, loaded)
    except ANY_ERROR as error:
        why = str(error) if isinstance(error, CaseError) else error_text(error)
        return measured(Footprint(), job.artifact, loaded, f"Sizes were not measured: {why.rstrip('.')}.")


def measured(footprint: Footprint, artifact: Artifact, loaded: Loaded | None = None, note: str = "") -> Measured:
    """A session's sizes, the artifact's, and what the session holds."""
    return Measured(
        figures={"artifact_bytes": artifact.bytes, **footprint.figures},
        exact=tuple(sorted({"artifact_bytes", *footprint.exact})),
        per_operator=tuple(OperatorCost(**dict(cost)) for cost in footprint.per_operator),
        details=dict(footprint.details),
        loaded=LoadedFiles(files=dict(loaded.files), inputs=loaded.inputs) if loaded is not None else None,
        note=note,
    )


@contextmanager
def opened(job: Job) -> Iterator[Session]:
    """A session on the job's artifact, and on nothing else. Raises a `CaseError`."""
    with registry.targets()[job.target].open(job.artifact) as session:
        check_loaded(job.target, job.artifact, session.loaded())
        yield session
