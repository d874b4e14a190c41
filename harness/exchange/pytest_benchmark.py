"""Measured latencies as the JSON of pytest-benchmark 5, for `pytest-benchmark compare` and the tools around it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from harness.store.record import CaseResult, Latency, RunRecord

FORMAT_VERSION = "5.1.0"
"""The version of pytest-benchmark whose files these look like."""


def pytest_benchmark_json(record: RunRecord) -> str:
    """The document as text: seconds per inference over the steady part of each timed case."""
    commit = record.commit or "unknown"
    document = {
        "machine_info": {
            "node": f"machine-{record.machine.id}",
            "processor": record.machine.cpu,
            "machine": record.machine.system,
            "python_version": record.machine.python,
            "python_implementation": "CPython",
            "system": record.machine.system.split(" ", 1)[0],
            "release": record.machine.system.rsplit(" ", 1)[-1],
            "cpu": {"brand_raw": record.machine.cpu, "count": record.machine.cores},
        },
        "commit_info": {
            "id": commit.removesuffix("+changes"),
            "dirty": commit.endswith("+changes"),
            "time": record.started.isoformat(),
            "author_time": record.started.isoformat(),
            "project": "harness",
            "branch": "(unknown)",
        },
        "benchmarks": [_benchmark(case, case.latency) for case in record.cases if case.latency is not None],
        "datetime": record.finished.isoformat(),
        "version": FORMAT_VERSION,
    }
    return json.dumps(document, indent=1) + "\n"


def _benchmark(case: CaseResult, latency: Latency) -> dict[str, Any]:
    seconds = np.asarray(latency.samples_ns[latency.warmup_discarded :] or latency.samples_ns, dtype=np.float64) / 1e9
    return {
        "group": case.model,
        "name": case.id,
        "fullname": f"harness.toml::{case.id}",
        "params": {"variant": case.variant, "target": case.target},
        "param": f"{case.variant}-{case.target}",
        "extra_info": {
            "steady_state": latency.state.value,
            "simulated": case.simulated,
            "artifact": case.artifact.digest if case.artifact else None,
        },
        "options": {
            "disable_gc": True,
            "timer": "perf_counter",
            "min_rounds": 1,
            "max_time": 10.0,
            "min_time": 0.0,
            "warmup": True,
        },
        "stats": statistics(seconds),
    }


def statistics(seconds: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, Any]:
    """pytest-benchmark's own figures of samples in seconds, shaped (rounds,), with its words and its fences: `ld15iqr`
    and `hd15iqr` are the least and largest sample within 1.5 interquartile ranges of the quartiles."""
    low, middle, high = (float(value) for value in np.percentile(seconds, (25, 50, 75)))
    spread, mean = high - low, float(seconds.mean())
    deviation = float(seconds.std(ddof=1)) if len(seconds) > 1 else 0.0
    inside = seconds[(seconds >= low - 1.5 * spread) & (seconds <= high + 1.5 * spread)]
    far = int(np.count_nonzero(np.abs(seconds - mean) > deviation)) if deviation else 0
    beyond = len(seconds) - len(inside)
    return {
        "min": float(seconds.min()),
        "max": float(seconds.max()),
        "mean": mean,
        "stddev": deviation,
        "rounds": len(seconds),
        "median": middle,
        "iqr": spread,
        "q1": low,
        "q3": high,
        "iqr_outliers": beyond,
        "stddev_outliers": far,
        "outliers": f"{far};{beyond}",
        "ld15iqr": float(inside.min()),
        "hd15iqr": float(inside.max()),
        "ops": 1.0 / mean if mean else 0.0,
        "total": float(seconds.sum()),
        "iterations": 1,
    }
