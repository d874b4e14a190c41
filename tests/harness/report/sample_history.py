"""A made-up history in the form of `harness.history.document.page_document`: noise, planted steps, labels.

Deterministic: the same call gives the same history.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.report.history_data import HistoryData
from harness.store.record import CaseResult, RunRecord

FIRST = 1_741_000_000.0
DAY = 86_400.0

METRICS = {
    "latency.median_ms": {"title": "median latency", "unit": "ms", "exact": False, "lower_is_better": True},
    "instructions": {"title": "instructions per inference", "unit": "", "exact": True, "lower_is_better": True},
    "artifact_bytes": {"title": "size of the artifact", "unit": "B", "exact": True, "lower_is_better": True},
}


def sample_history(record: RunRecord, points: int = 100_000, runs: int = 365) -> HistoryData:
    """Daily series of the record's cases, over and over under other environments, until there are `points`."""
    cases = [case for case in record.cases if case.artifact]
    series: list[dict[str, Any]] = []
    place = 0
    while sum(len(one["values"]) for one in series) < points:
        series.append(_series(cases[place % len(cases)], place, place // len(cases), runs))
        place += 1
    table = [
        {
            "id": f"2025{index:04d}T030000Z-{index:08x}",
            "started": FIRST + index * DAY,
            "commit": f"{index:040x}",
            "machine": "a1b2c3d4e5f6",
        }
        for index in range(runs)
    ]
    return HistoryData({"metrics": METRICS, "runs": table, "series": series})


def _series(case: CaseResult, seed: int, turn: int, runs: int) -> dict[str, Any]:
    noise = np.random.default_rng(seed)
    timed = case.latency is not None
    metric = "latency.median_ms" if timed else "instructions" if case.measured.per_operator else "artifact_bytes"
    at = int(runs * 0.7)
    if timed and case.latency:
        base = case.latency.median_ms
        values = base * noise.lognormal(0, 0.02, runs)
    else:
        base = float(case.measured.figures.get("instructions", case.artifact.bytes if case.artifact else 1000))
        values = np.full(runs, base)
    changed = seed % 3 == 0
    step = (0.2, -0.05, 0.02)[seed % 9 // 3]
    if changed:
        values[at:] = np.round(values[at:] * (1 + step), 6 if timed else 0)
    numbers = [float(f"{value:.6g}") if timed else int(value) for value in values]
    return {
        "model": case.model,
        "variant": case.variant,
        "target": case.target,
        "metric": metric,
        "machine": "a1b2c3d4e5f6" if timed else "",
        "environment": f"threads={turn + 1}",
        "simulated": case.simulated,
        "repeated": 3 if seed % 5 == 0 else 0,
        "unsteady": 2 if seed % 7 == 0 else 0,
        "points": runs if seed % 4 else runs * 4,
        "runs": list(range(runs)),
        "values": numbers,
        "low": [float(f"{value * 0.985:.4g}") for value in values] if timed else None,
        "high": [float(f"{value * 1.02:.4g}") for value in values] if timed else None,
        "changes": [_change(seed, at, base, step, timed)] if changed else [],
    }


def _change(seed: int, at: int, base: float, step: float, timed: bool) -> dict[str, Any]:
    return {
        "id": f"{seed:012x}",
        "at": at,
        "before": at - 1,
        "after": at,
        "from": base,
        "to": base * (1 + step),
        "size": step,
        "low": step - 0.01 if timed else step,
        "high": step + 0.01 if timed else step,
        "relative": True,
        "p_value": 1e-9 if timed else None,
        "worse": step > 0,
        "differences": [
            {"kind": "commit", "name": "commit", "before": f"{at - 1:040x}", "after": f"{at:040x}"},
            {"kind": "runtime", "name": "litert", "before": "2.1.0", "after": "2.2.0"},
        ],
        "label": {"kind": "accepted", "note": "new kernels", "created": FIRST} if seed % 9 == 3 else None,
    }
