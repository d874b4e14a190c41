"""Turns a record into what the index holds: a row of `runs`, and the results of each model as columns."""

from __future__ import annotations

import hashlib
import json
import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.store.record import Outcome, SteadyState

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
"""Parts of a target's fingerprint that start another series when they change. All other parts, above all versions, may
change within one series: a series is there to show what such a change did."""

_VERSION = re.compile(r"\d+(\.\d+)+")

Row = dict[str, Any]
Document = Mapping[str, Any]
"""JSON, of a record or a part of one."""
Cell = tuple[str, str, str]


@dataclass(frozen=True)
class Provenance:
    """What a case ran on. `facts` is JSON of its fingerprint and converter; `environment` is the part without
    versions."""

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
    """Figures that any case has, by name. NaN where a case has none."""


@dataclass(frozen=True)
class RunResults:
    """All that the index holds of a record, before names have become numbers. It is cheap to send between processes."""

    run: Row
    models: tuple[ModelResults, ...]
    provenances: tuple[Provenance, ...]
    artifacts: tuple[str, ...]


def results_of(record: Document, sha256: str) -> RunResults:
    """`record`, the JSON of a `RunRecord` whose text has the hash `sha256`, as the index holds it.

    It does not check the JSON field by field, which takes long for a million small objects: the caller has made sure
    that it is a record. Raises `HarnessError` where it has one case twice, and KeyError, TypeError or ValueError where
    it is no record.
    """
    provenances = _Provenances()
    artifacts: dict[str, int] = {}
    cases = sorted(record["cases"], key=_cell)
    machines = {place["name"]: place["machine"]["id"] for place in record.get("places", ())}
    models = []
    start = 0
    for end in range(1, len(cases) + 1):
        if end == len(cases) or cases[end]["model"] != cases[start]["model"]:
            models.append(_model(cases[start:end], record["id"], provenances, artifacts, machines))
            start = end
    return RunResults(run_row(record, sha256), tuple(models), tuple(provenances.found), tuple(artifacts))


def run_row(record: Document, sha256: str) -> Row:
    """The row of the table `runs` for a record whose text has the hash `sha256`."""
    facts = {
        "command": record["command"],
        "finished": _seconds(record["finished"]),
        "planned_cases": record.get("planned_cases", 0),
        "outcomes": dict(Counter(case["outcome"] for case in record["cases"])),
        "machine": record["machine"],
        "models": [model["name"] for model in record["models"]],
    }
    return {
        "id": record["id"],
        "sha256": sha256,
        "started": _seconds(record["started"]),
        "status": record["status"],
        "commit": record["commit"],
        "harness_version": record["harness_version"],
        "machine": record["machine"]["id"],
        "facts": json.dumps(facts),
    }


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def environment_of(fingerprint: Mapping[str, str]) -> str:
    """What of a fingerprint makes another series: `key=value` for each such key, without versions (a renderer's name
    contains some)."""
    kept = {key: _VERSION.sub("", fingerprint[key]).strip() for key in ENVIRONMENT_KEYS if fingerprint.get(key)}
    return " ".join(f"{key}={value}" for key, value in kept.items())


@dataclass
class _Provenances:
    """Provenances by what they are of, each made once."""

    found: list[Provenance] = field(default_factory=list)
    places: dict[Any, int] = field(default_factory=dict)

    def place(self, fingerprint: Mapping[str, str], converter: Mapping[str, str], machine: str = "") -> int:
        """`machine`: the id of another machine than the run's, which makes figures another series."""
        key = (tuple(fingerprint.items()), tuple(converter.items()), machine)
        if key not in self.places:
            known = {"fingerprint": dict(fingerprint), "converter": dict(converter)}
            facts = json.dumps(known | ({"machine": machine} if machine else {}), sort_keys=True)
            digest = hashlib.sha256(facts.encode()).hexdigest()
            environment = " ".join(filter(None, (environment_of(fingerprint), machine and f"machine={machine}")))
            self.places[key] = len(self.found)
            self.found.append(Provenance(digest, environment, facts))
        return self.places[key]


def _cell(case: Document) -> Cell:
    return (case["model"], case["variant"], case["target"])


def _model(
    cases: Sequence[Document],
    run: str,
    provenances: _Provenances,
    artifacts: dict[str, int],
    machines: Mapping[str, str],
) -> ModelResults:
    """`machines`: the id of the machine of each place."""
    cells = tuple(map(_cell, cases))
    for cell, following in pairwise(cells):
        if cell == following:
            raise HarnessError(f"The run record {run} has the case {'/'.join(cell)} twice.")
    made = [case.get("artifact") or {} for case in cases]
    timed = [case.get("latency") or {} for case in cases]
    fingerprints = [case.get("fingerprint", {}) for case in cases]
    figures = [
        {name: value for name, value in _figures(case, artifact, latency) if value is not None}
        for case, artifact, latency in zip(cases, made, timed, strict=True)
    ]
    places = [
        provenances.place(fingerprint, artifact.get("converter", {}), machines.get(case.get("place", ""), ""))
        for case, fingerprint, artifact in zip(cases, fingerprints, made, strict=True)
    ]
    digests = [artifacts.setdefault(one["digest"][:128], len(artifacts)) if one else -1 for one in made]
    return ModelResults(
        model=cases[0]["model"],
        cells=cells,
        provenance=np.array(places, dtype=np.int32),
        artifact=np.array(digests, dtype=np.int32),
        outcome=np.array([_OUTCOME_PLACES[case["outcome"]] for case in cases], dtype=np.int8),
        state=np.array([_STATE_PLACES[one["state"]] if one else -1 for one in timed], dtype=np.int8),
        simulated=np.array([bool(case.get("simulated")) for case in cases], dtype=np.int8),
        measurement=np.array([_measurement(one) if one else 0 for one in timed], dtype=np.int64),
        figures={
            name: np.array([one.get(name, math.nan) for one in figures], dtype=np.float64)
            for name in dict.fromkeys(name for one in figures for name in one)
        },
    )


_OUTCOME_PLACES = {outcome.value: index for index, outcome in enumerate(OUTCOMES)}
_STATE_PLACES = {state.value: index for index, state in enumerate(STATES)}


def _figures(case: Document, artifact: Document, latency: Document) -> Iterator[tuple[str, float | None]]:
    """Each figure of a case with its name."""
    if latency:
        yield "latency_median_ms", latency["median_ms"]
        yield "latency_low_ms", latency["median_interval"]["low"]
        yield "latency_high_ms", latency["median_interval"]["high"]
        yield "latency_p90_ms", latency["p90_ms"]
        yield "latency_p99_ms", latency["p99_ms"]
        yield "latency_first_ms", latency["first_ms"]
        yield "latency_kernel_ms", latency.get("kernel_ms")
    parity = case.get("parity")
    if parity:
        conversion, runtime, end_to_end = parity["conversion"], parity["runtime"], parity["end_to_end"]
        yield "conversion_sqnr_db", _worst(conversion, "sqnr_db", min)
        yield "conversion_max_abs", _worst(conversion, "max_abs", max)
        yield "runtime_sqnr_db", _worst(runtime, "sqnr_db", min)
        yield "runtime_max_abs", _worst(runtime, "max_abs", max)
        yield "runtime_max_lsb", _worst(runtime, "max_lsb", max)
        yield "end_to_end_max_abs", _worst(end_to_end, "max_abs", max)
        if parity.get("task"):
            yield "task_value", parity["task"]["value"]
    if artifact:
        yield "artifact_bytes", artifact["bytes"]
    yield from case.get("measured", {}).get("figures", {}).items()


def _worst(comparisons: Sequence[Document], name: str, worst: Callable[[list[float]], float]) -> float | None:
    """The worst over all outputs; null where none has it, or where one is not finite: no figure stands there."""
    values = []
    for comparison in comparisons:
        if not comparison["finite"]:
            return None
        value = comparison.get(name)
        if value is not None:
            values.append(value)
    return worst(values) if values else None


def _measurement(latency: Document) -> int:
    """A hash of the raw samples that fits a signed 64-bit column, and is never 0."""
    told = hashlib.blake2b(array("q", latency["samples_ns"]), digest_size=8)
    told.update(array("d", (latency["first_ms"], latency["median_ms"])))
    return int.from_bytes(told.digest(), "big", signed=True) or 1
