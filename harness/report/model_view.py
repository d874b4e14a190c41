"""What the section of one model shows: its charts, and the same figures as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.report import charts
from harness.report.anchors import model_anchor
from harness.report.trade_off import TradeOff, trade_offs
from harness.store.record import CaseResult, ModelSummary, RunRecord


@dataclass(frozen=True)
class Key:
    """One entry of the charts' legend."""

    variant: str
    colour: str
    shape: str


@dataclass(frozen=True)
class ModelView:
    name: str
    anchor: str
    summary: ModelSummary | None
    timed: tuple[CaseResult, ...]
    points: tuple[TradeOff, ...]
    latency: dict[str, Any] | None
    trade_off: dict[str, Any] | None
    latency_scale: str
    keys: tuple[Key, ...]


def model_views(record: RunRecord) -> list[ModelView]:
    """One per model that has a case, in the order of the record."""
    summaries = {summary.name: summary for summary in record.models}
    variants = list(dict.fromkeys(case.variant for case in record.cases))
    by_model: dict[str, list[CaseResult]] = {}
    for case in record.cases:
        by_model.setdefault(case.model, []).append(case)
    return [_view(name, cases, summaries.get(name), variants) for name, cases in by_model.items()]


def _view(name: str, cases: list[CaseResult], summary: ModelSummary | None, variants: list[str]) -> ModelView:
    points = trade_offs(cases)
    # Simulated rows come last, as in the chart: their milliseconds are not on the same scale.
    timed = sorted((case for case in cases if case.latency), key=lambda case: case.simulated)
    drawn = {case.variant for case in timed} | {point.variant for point in points}
    return ModelView(
        name=name,
        anchor=model_anchor(name),
        summary=summary,
        timed=tuple(timed),
        points=tuple(points),
        latency=charts.latency(cases, variants),
        trade_off=charts.error_against_size(points, variants),
        latency_scale=" (log scale)" if timed and charts.is_wide(charts.latency_extent(timed)) else "",
        keys=tuple(
            Key(variant, charts.colour(variant, variants), charts.shape(variant, variants))
            for variant in variants
            if variant in drawn
        ),
    )
