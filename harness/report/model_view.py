"""What the section of one model shows: its charts, and the same figures as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.report import chart_rows
from harness.report.anchors import model_anchor
from harness.report.pareto import Candidate, candidates
from harness.report.trade_off import TradeOff, trade_offs
from harness.report.variant_style import variant_style
from harness.store.record import CaseResult, ModelSummary, RunRecord, SteadyState


@dataclass(frozen=True)
class Key:
    """One entry of the charts' legend."""

    variant: str
    colour: str
    shape: str


@dataclass(frozen=True)
class ModelView:
    """What the section of one model is drawn from."""

    name: str
    anchor: str
    summary: ModelSummary | None
    task: str
    """What the figure of merit is called; empty where no case has one."""
    cases: tuple[CaseResult, ...]
    fastest: dict[str, float]
    """Factors by the id of a case: how many times slower it is than the fastest target of the same variant at its
    place, where that is known."""
    candidates: tuple[Candidate, ...]
    points: tuple[TradeOff, ...]
    charts: dict[str, list[dict[str, Any]]]
    """The marks by the kind of chart: `latency`, and `trade-off`, or `sizes` where nothing was timed. A kind that has
    nothing to draw is left out."""
    keys: tuple[Key, ...]


def model_views(record: RunRecord) -> list[ModelView]:
    """One view for each model that has a case, in the order of the record."""
    summaries = {summary.name: summary for summary in record.models}
    variants = list(dict.fromkeys(case.variant for case in record.cases))
    places = {case.id: index for index, case in enumerate(record.cases)}
    by_model: dict[str, list[CaseResult]] = {}
    for case in record.cases:
        by_model.setdefault(case.model, []).append(case)
    return [_view(name, cases, summaries.get(name), variants, places) for name, cases in by_model.items()]


def _view(
    name: str,
    cases: list[CaseResult],
    summary: ModelSummary | None,
    variants: Sequence[str],
    places: chart_rows.Places,
) -> ModelView:
    points = trade_offs(cases)
    offers = candidates(cases)
    charts = {
        "latency": chart_rows.latency_rows(cases, places),
        "trade-off": chart_rows.trade_off_rows(offers, places),
        "sizes": [] if offers else chart_rows.size_rows(points, places),
    }
    drawn = {row["variant"] for rows in charts.values() for row in rows}
    return ModelView(
        name=name,
        anchor=model_anchor(name),
        summary=summary,
        task=next((case.parity.task.name for case in cases if case.parity and case.parity.task), ""),
        cases=tuple(cases),
        fastest=_against_fastest(cases),
        candidates=tuple(sorted(offers, key=lambda offer: (not offer.on_front, offer.family, offer.median_ms))),
        points=tuple(points),
        charts={kind: rows for kind, rows in charts.items() if rows},
        keys=tuple(Key(variant, *variant_style(index)) for index, variant in enumerate(variants) if variant in drawn),
    )


def _against_fastest(cases: list[CaseResult]) -> dict[str, float]:
    best: dict[tuple[str, str], float] = {}
    # Emulators and timings that never settled are no measure for others, and are not measured by others.
    fit = [
        (case, case.latency.median_ms)
        for case in cases
        if case.latency and not case.simulated and case.latency.state is not SteadyState.NONE
    ]
    for case, median in fit:
        key = case.variant, case.place
        best[key] = min(median, best.get(key, median))
    return {case.id: median / least for case, median in fit if (least := best[case.variant, case.place]) > 0}
