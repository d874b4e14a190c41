"""What the section of one model shows: its charts, and the same figures as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.report import chart_parts, charts
from harness.report.anchors import model_anchor
from harness.report.pareto import Candidate, candidates
from harness.report.trade_off import TradeOff, trade_offs
from harness.report.trade_off_chart import trade_off
from harness.store.record import CaseResult, ModelSummary, RunRecord, SteadyState


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
    cases: tuple[CaseResult, ...]
    fastest: dict[str, float]
    """By the id of a case: how much slower it is than the fastest target of the same variant, where it can be said."""
    candidates: tuple[Candidate, ...]
    points: tuple[TradeOff, ...]
    latency: dict[str, Any] | None
    trade_off: dict[str, Any] | None
    """Latency against error against size."""
    sizes: dict[str, Any] | None
    """Error against size alone, where nothing was timed."""
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
    offers = candidates(cases)
    timed = [case for case in cases if case.latency]
    drawn = {case.variant for case in timed} | {point.variant for point in points}
    drawing = trade_off(offers, variants)
    return ModelView(
        name=name,
        anchor=model_anchor(name),
        summary=summary,
        cases=tuple(cases),
        fastest=_against_fastest(cases),
        candidates=tuple(sorted(offers, key=lambda offer: (not offer.on_front, offer.family, offer.median_ms))),
        points=tuple(points),
        latency=charts.latency(cases, variants),
        trade_off=drawing,
        sizes=None if drawing else charts.error_against_size(points, variants),
        latency_scale=" (log scale)" if timed and chart_parts.is_wide(charts.latency_extent(timed)) else "",
        keys=tuple(
            Key(variant, chart_parts.colour(variant, variants), chart_parts.shape(variant, variants))
            for variant in variants
            if variant in drawn
        ),
    )


def _against_fastest(cases: list[CaseResult]) -> dict[str, float]:
    best: dict[str, float] = {}
    # Emulators and timings that never settled are no measure for others, and are not measured by others.
    fit = [
        (case, case.latency.median_ms)
        for case in cases
        if case.latency and not case.simulated and case.latency.state is not SteadyState.NONE
    ]
    for case, median in fit:
        best[case.variant] = min(median, best.get(case.variant, median))
    return {case.id: median / best[case.variant] for case, median in fit if best[case.variant] > 0}
