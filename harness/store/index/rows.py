"""From a record to rows of the index."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.store.index.tables import FIGURES
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
class Line:
    """One case as the index holds it, before names have become numbers."""

    cell: Cell
    provenance: Provenance
    artifact: str | None
    row: Row


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


def lines(record: RunRecord) -> list[Line]:
    """Every case, in the order of its name. Raises `HarnessError` where the record has one twice."""
    seen: dict[Cell, Line] = {}
    known: dict[tuple[str, str], Provenance] = {}
    for case in record.cases:
        cell = (case.model, case.variant, case.target)
        if cell in seen:
            raise HarnessError(f"The run record {record.id} has the case {case.id} twice.")
        seen[cell] = _line(case, cell, known)
    return [seen[cell] for cell in sorted(seen)]


def environment_of(fingerprint: Mapping[str, str]) -> str:
    """`key=value` for each key that makes another series, without versions (a renderer's name carries some)."""
    kept = {key: _VERSION.sub("", fingerprint[key]).strip() for key in ENVIRONMENT_KEYS if fingerprint.get(key)}
    return " ".join(f"{key}={value}" for key, value in kept.items())


def _line(case: CaseResult, cell: Cell, known: dict[tuple[str, str], Provenance]) -> Line:
    converter = case.artifact.converter if case.artifact else {}
    names = (repr(case.fingerprint), repr(converter))
    if names not in known:
        facts = json.dumps({"fingerprint": case.fingerprint, "converter": converter}, sort_keys=True)
        digest = hashlib.sha256(facts.encode()).hexdigest()
        known[names] = Provenance(digest, environment_of(case.fingerprint), facts)
    row: Row = {
        "outcome": OUTCOMES.index(case.outcome),
        "state": STATES.index(case.latency.state) if case.latency else None,
        "simulated": case.simulated,
        "measurement": _measurement(case.latency) if case.latency else None,
        **dict.fromkeys(FIGURES),
    }
    row |= _latency(case.latency) | _parity(case)
    if case.artifact:
        row["artifact_bytes"] = case.artifact.bytes
    more = {}
    for name, value in case.measured.figures.items():
        if name in FIGURES:
            row[name] = value
        else:
            more[name] = value
    row["more"] = json.dumps(more) if more else None
    return Line(cell, known[names], case.artifact.digest[:128] if case.artifact else None, row)


def _latency(latency: Latency | None) -> Row:
    if latency is None:
        return {}
    return {
        "latency_median_ms": latency.median_ms,
        "latency_low_ms": latency.median_interval.low,
        "latency_high_ms": latency.median_interval.high,
        "latency_p90_ms": latency.p90_ms,
        "latency_p99_ms": latency.p99_ms,
        "latency_first_ms": latency.first_ms,
    }


def _parity(case: CaseResult) -> Row:
    parity = case.parity
    if parity is None:
        return {}
    row: Row = {
        "conversion_sqnr_db": _worst(parity.conversion, "sqnr_db", min),
        "conversion_max_abs": _worst(parity.conversion, "max_abs", max),
        "runtime_sqnr_db": _worst(parity.runtime, "sqnr_db", min),
        "runtime_max_abs": _worst(parity.runtime, "max_abs", max),
        "runtime_max_lsb": _worst(parity.runtime, "max_lsb", max),
        "end_to_end_max_abs": _worst(parity.end_to_end, "max_abs", max),
    }
    if parity.task:
        row["task_value"] = parity.task.value
    return row


def _worst(comparisons: tuple[Comparison, ...], name: str, worst: Any) -> float | None:
    """The worst over all outputs; null where none has it, or where one is not finite: no figure stands there."""
    if not all(comparison.finite for comparison in comparisons):
        return None
    values = [value for comparison in comparisons if (value := getattr(comparison, name)) is not None]
    return float(worst(values)) if values else None


def _measurement(latency: Latency) -> int:
    """A hash of the raw samples that fits a signed 64-bit column."""
    told = np.asarray(latency.samples_ns, dtype=np.int64).tobytes()
    told += np.array([latency.first_ms, latency.median_ms], dtype=np.float64).tobytes()
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big", signed=True)
