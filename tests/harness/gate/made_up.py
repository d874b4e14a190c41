"""Made-up cases, runs and baselines: what a test says of them, and plain values for all else."""

from datetime import UTC, datetime

import numpy as np

from harness.artifact import FileHash, TensorInfo
from harness.baseline.accepted_results import accepted_case, accepted_run
from harness.baseline.files import Baseline
from harness.case_name import CaseName
from harness.latency.statistics import summarise
from harness.parity.edges import compare_edges
from harness.store.record import ArtifactSummary, CaseResult, Machine, Measured, ModelSummary, Outcome, RunRecord
from harness.target import Timing

HERE = Machine(
    id="here", cpu="CPU A", cores=2, memory_bytes=2**33, system="Linux x86_64 6", python="3.11.7", load_average=0.1
)
ELSEWHERE = HERE.model_copy(update={"id": "elsewhere", "cpu": "CPU B"})


def artifact(digest="a" * 64, key="k" * 64, size=1000):
    file = FileHash(path="model.tflite", bytes=size, sha256=digest)
    return ArtifactSummary(
        key=key, digest=digest, bytes=size, files=(file,), operators={}, converter={"tensorflow": "2.19"}
    )


def figures(seed=0, reference_error=0.0, error=0.0, samples=64, labels=None, swap=False, nan_at=None):
    """Parity of two float outputs, `p` (ten classes) and `q`, with that much noise on each edge."""
    random = np.random.default_rng(seed)
    golden = {"p": random.normal(size=(samples, 10)), "q": random.normal(size=(samples, 10))}
    golden["p"][np.arange(samples), golden["p"].argmax(axis=1)] += 2.0  # no class is near another
    golden = {name: values.astype(np.float32) for name, values in golden.items()}

    def noisy(values, size):
        return {n: (v + size * random.normal(size=v.shape)).astype(np.float32) for n, v in values.items()}

    reference = noisy(golden, reference_error)
    actual = noisy(reference, error)
    if swap:
        actual = {"p": actual["q"], "q": actual["p"]}
    if nan_at is not None:
        actual["q"][nan_at] = np.nan
    outputs = [TensorInfo(name=n, tensor=n, index=i, shape=(10,), dtype="float32") for i, n in enumerate(golden)]
    if labels is None:
        labels = golden["p"].argmax(axis=1)
    return compare_edges(
        golden, reference, actual, outputs, labels=labels, task="classification", reference_name="a reference"
    )


def latency(median_ns=1_000_000, details=None, **timing):
    samples = np.full(200, median_ns, np.int64) + np.arange(200) % 7
    return summarise(Timing(samples, first_ns=5 * median_ns, details=details or {}, **timing), 0.1)


def case(name="model/float32/tflite/one", *, measured=None, outcome=Outcome.PASSED, parity=True, **fields):
    known = CaseName.parse(name)
    return CaseResult(
        key="key",
        model=known.model,
        variant=known.variant,
        target=known.target,
        outcome=outcome,
        artifact=fields.pop("artifact", artifact()),
        fingerprint=fields.pop("fingerprint", {"runtime": "1.0"}),
        parity=figures() if parity is True else parity,
        measured=Measured(figures=measured or {"artifact_bytes": 1000}, exact=tuple(measured or ("artifact_bytes",))),
        seconds=1.0,
        **fields,
    )


def run(*cases, machine=HERE, status="complete", planned=None):
    started = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    models = {found.model: found for found in cases}
    return RunRecord(
        id="20261120T120000Z-00000000",
        started=started,
        finished=started,
        status=status,
        command="harness run",
        harness_version="0.1.0",
        commit="c" * 40,
        machine=machine,
        models=tuple(
            ModelSummary(name=name, summary="made up", task="classification", source="zoo", golden_digest="g")
            for name in models
        ),
        cases=cases,
        planned_cases=planned or len(cases),
    )


def baseline(*cases, machine=HERE):
    """What accepting these cases gives."""
    record = run(*cases, machine=machine)
    return Baseline({found.name: accepted_case(record, found) for found in cases}, {record.id: accepted_run(record)})


NO_BASELINE = Baseline({}, {})


def tflite(_):
    return "tflite"
