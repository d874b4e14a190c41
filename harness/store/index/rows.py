"""From a record to what the index holds of it: a row of `runs`, and the results of each model as columns."""

from __future__ import annotations

import hashlib
import json
import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.store.record import CaseResult, Comparison, Latency, Outcome, RunRecord, SteadyState

OUTCOMES = tuple(Outcome)
STATES = tuple(SteadyState)
"""Stored as places in these: both may grow at the end alone."""

ENVIRONMENT_KEYS = (
    "backend",
    "board",
    "core",
    "emulator",
    "flags",
    "kernels",
    "renderer",
    "resolver",
    "threaded",
    "threads",
)
"""Of a target's fingerprint, what makes figures another series. All else, versions above all, may change within one
series, as finding what such a change did is what a series is for."""

_VERSION = re.compile(r"\d+(\.\d+)+")

Row = dict[str, Any]
Cell = tuple[str, str, str]


@dataclass(frozen=True)
class Provenance:
    """What a case ran on: `facts` is JSON of its fingerprint and converter, `environment` what stays of it."""

    digest: str
    environment: str
    facts: str


@dataclass(frozen=True)
class ModelResults:
    """The results of one model in one run. Every array is shaped (cases,), in the order of `cells`, which is sorted."""

    model: str
    cells: tuple[Cell, ...]
    provenance: NDArray[np.int32]
    """Places in `RunResults.provenances`."""
    artifact: NDArray[np.int32]
    """Places in `RunResults.artifacts`; −1 where there is none."""
    outcome: NDArray[np.int8]
    """Places in `OUTCOMES`."""
    state: NDArray[np.int8]
    """Places in `STATES`; −1 where nothing was timed."""
    simulated: NDArray[np.int8]
    measurement: NDArray[np.int64]
    """Hashes of timings; 0 where nothing was timed."""
    figures: Mapping[str, NDArray[np.float64]]
    """Those that any case has; NaN where one has not."""


@dataclass(frozen=True)
class RunResults:
    """All that the index holds of a record, before names have become numbers. It is cheap to send between processes."""

    run: Row
    models: tuple[ModelResults, ...]
    provenances: tuple[Provenance, ...]
    artifacts: tuple[str, ...]


def results_of(record: RunRecord, sha256: str) -> RunResults:
    """`record`, whose text has the hash `sha256`, as the index holds it. Raises `HarnessError` where it has one case
    twice."""
    provenances = _Provenances()
    artifacts: dict[str, int] = {}
    cases = sorted(record.cases, key=_cell)
    models = []
    start = 0
    for end in range(1, len(cases) + 1):
        if end == len(cases) or cases[end].model != cases[start].model:
            models.append(_model(cases[start:end], record.id, provenances, artifacts))
            start = end
    return RunResults(run_row(record, sha256), tuple(models), tuple(provenances.found), tuple(artifacts))


def run_row(record: RunRecord, sha256: str) -> Row:
    """The row of `runs`."""
    outcomes = Counter(case.outcome.value for case in record.cases)
    facts = {
        "command": record.command,
        "finished": record.finished.timestamp(),
        "planned_cases": record.planned_cases,
        "outcomes": dict(outcomes),
        "machine": record.machine.model_dump(mode="json"),
        "models": [model.name for model in record.models],
    }
    return {
        "id": record.id,
        "sha256": sha256,
        "started": record.started.timestamp(),
        "status": record.status,
        "commit": record.commit,
        "harness_version": record.harness_version,
        "machine": record.machine.id,
        "facts": json.dumps(facts),
    }


def environment_of(fingerprint: Mapping[str, str]) -> str:
    """`key=value` for each key that makes another series, without versions (a renderer's name carries some)."""
    kept = {key: _VERSION.sub("", fingerprint[key]).strip() for key in ENVIRONMENT_KEYS if fingerprint.get(key)}
    return " ".join(f"{key}={value}" for key, value in kept.items())


@dataclass
class _Provenances:
    """Provenances by what they are of, each made once."""

    found: list[Provenance] = field(default_factory=list)
    places: dict[Any, int] = field(default_factory=dict)

    def place(self, fingerprint: Mapping[str, str], converter: Mapping[str, str]) -> int:
        key = (tuple(fingerprint.items()), tuple(converter.items()))
        if key not in self.places:
            facts = json.dumps({"fingerprint": dict(fingerprint), "converter": dict(converter)}, sort_keys=True)
            digest = hashlib.sha256(facts.encode()).hexdigest()
            self.places[key] = len(self.found)
            self.found.append(Provenance(digest, environment_of(fingerprint), facts))
        return self.places[key]


def _cell(case: CaseResult) -> Cell:
    return (case.model, case.variant, case.target)


def _model(cases: list[CaseResult], run: str, provenances: _Provenances, artifacts: dict[str, int]) -> ModelResults:
    cells = tuple(_cell(case) for case in cases)
    for case, cell, next_cell in zip(cases, cells, cells[1:], strict=False):
        if cell == next_cell:
            raise HarnessError(f"The run record {run} has the case {case.id} twice.")
    figures: dict[str, NDArray[np.float64]] = {}
    for place, case in enumerate(cases):
        for name, value in _figures(case):
            if value is not None:
                if name not in figures:
                    figures[name] = np.full(len(cases), np.nan)
                figures[name][place] = value
    made = [case.artifact for case in cases]
    return ModelResults(
        model=cases[0].model,
        cells=cells,
        provenance=np.array(
            [
                provenances.place(case.fingerprint, artifact.converter if artifact else {})
                for case, artifact in zip(cases, made, strict=True)
            ],
            dtype=np.int32,
        ),
        artifact=np.array(
            [artifacts.setdefault(one.digest[:128], len(artifacts)) if one else -1 for one in made], dtype=np.int32
        ),
        outcome=np.array([_OUTCOME_PLACES[case.outcome] for case in cases], dtype=np.int8),
        state=np.array([_STATE_PLACES[case.latency.state] if case.latency else -1 for case in cases], dtype=np.int8),
        simulated=np.array([case.simulated for case in cases], dtype=np.int8),
        measurement=np.array([_measurement(case.latency) if case.latency else 0 for case in cases], dtype=np.int64),
        figures=figures,
    )


_OUTCOME_PLACES = {outcome: place for place, outcome in enumerate(OUTCOMES)}
_STATE_PLACES = {state: place for place, state in enumerate(STATES)}


def _figures(case: CaseResult) -> Iterable[tuple[str, float | None]]:
    """Each figure of a case with its name."""
    latency, parity = case.latency, case.parity
    if latency is not None:
        yield "latency_median_ms", latency.median_ms
        yield "latency_low_ms", latency.median_interval.low
        yield "latency_high_ms", latency.median_interval.high
        yield "latency_p90_ms", latency.p90_ms
        yield "latency_p99_ms", latency.p99_ms
        yield "latency_first_ms", latency.first_ms
    if parity is not None:
        if _finite(parity.conversion):
            yield "conversion_sqnr_db", min(_known(c.sqnr_db for c in parity.conversion), default=None)
            yield "conversion_max_abs", max(_known(c.max_abs for c in parity.conversion), default=None)
        if _finite(parity.runtime):
            yield "runtime_sqnr_db", min(_known(c.sqnr_db for c in parity.runtime), default=None)
            yield "runtime_max_abs", max(_known(c.max_abs for c in parity.runtime), default=None)
            yield "runtime_max_lsb", max(_known(c.max_lsb for c in parity.runtime), default=None)
        if _finite(parity.end_to_end):
            yield "end_to_end_max_abs", max(_known(c.max_abs for c in parity.end_to_end), default=None)
        if parity.task:
            yield "task_value", parity.task.value
    if case.artifact:
        yield "artifact_bytes", case.artifact.bytes
    yield from case.measured.figures.items()


def _finite(comparisons: Iterable[Comparison]) -> bool:
    """Whether all outputs are: the worst of them is no figure where one is not."""
    return all(comparison.finite for comparison in comparisons)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and not math.isnan(value)]


def _measurement(latency: Latency) -> int:
    """A hash of the raw samples that fits a signed 64-bit column, and is never 0."""
    told = hashlib.blake2b(array("q", latency.samples_ns), digest_size=8)
    told.update(array("d", (latency.first_ms, latency.median_ms)))
    return int.from_bytes(told.digest(), "big", signed=True) or 1
