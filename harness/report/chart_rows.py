"""The marks of one model's charts as plain rows: figures to draw by, and the same figures in words for who points at
them. `cases` names the cases of a mark by their place in the record, so that the page can filter them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.report import numbers
from harness.report.pareto import Candidate
from harness.report.trade_off import TradeOff
from harness.store.record import CaseResult, SteadyState

SMALLEST_MARK, LARGEST_MARK = 45.0, 420.0
"""Square pixels."""

Places = Mapping[str, int]
"""The place in the record by the id of a case."""


def latency_rows(cases: Iterable[CaseResult], places: Places) -> list[dict[str, Any]]:
    """One row a timed case, simulated targets below all others: their milliseconds must not sit between those of
    hardware."""
    timed = [case for case in cases if case.latency and math.isfinite(case.latency.median_ms)]
    return [_latency_row(case, places) for case in sorted(timed, key=lambda case: case.simulated)]


def _latency_row(case: CaseResult, places: Places) -> dict[str, Any]:
    timing = case.latency
    assert timing is not None, "only timed cases get a row"
    place = case.target_at_place + (" (simulated)" if case.simulated else "")
    return {
        "cases": [places[case.id]],
        "place": place,
        "variant": case.variant,
        "simulated": case.simulated,
        "restless": timing.state is SteadyState.NONE,
        "median": timing.median_ms,
        "low": timing.median_interval.low,
        "high": timing.median_interval.high,
        "Target": place,
        "Variant": case.variant,
        "Median": numbers.milliseconds(timing.median_ms),
        "95 % interval": numbers.interval(timing.median_interval),
        "p99": numbers.milliseconds(timing.p99_ms),
        "First inference": numbers.milliseconds(timing.first_ms),
        "Steady state": "never steady" if timing.state is SteadyState.NONE else timing.state.value,
    }


def trade_off_rows(points: Sequence[Candidate], places: Places) -> list[dict[str, Any]]:
    """One row a candidate of one model."""
    largest = max((point.bytes for point in points), default=0) or 1
    return [_trade_off_row(point, largest, places) for point in points]


def _trade_off_row(point: Candidate, largest: int, places: Places) -> dict[str, Any]:
    case = point.case
    return {
        "cases": [places[case.id]],
        "variant": case.variant,
        "median": point.median_ms,
        "error": point.error,
        "area": round(SMALLEST_MARK + (LARGEST_MARK - SMALLEST_MARK) * point.bytes / largest, 1),
        "front": point.on_front,
        "barred": bool(point.barred),
        "Target": case.target,
        "Variant": case.variant,
        "Median": f"{numbers.milliseconds(point.median_ms)} ({numbers.interval(point.interval)})",
        "Error": numbers.error_share(point.error),
        "Size": numbers.byte_size(point.bytes),
        "Pareto front": f"no: {point.barred}" if point.barred else "yes" if point.on_front else "no",
    }


def size_rows(points: Iterable[TradeOff], places: Places) -> list[dict[str, Any]]:
    """One row an artifact whose error can be told."""
    return [
        {
            "cases": [places[case.id] for case in point.cases],
            "variant": point.variant,
            "bytes": point.bytes,
            "error": point.error,
            "family": point.families[0],
            "Variant": point.variant,
            "For": ", ".join(point.families),
            "Size": numbers.byte_size(point.bytes),
            "Conversion error": numbers.error_share(point.error),
        }
        for point in points
        if point.error is not None and math.isfinite(point.error)
    ]
