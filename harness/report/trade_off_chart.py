"""Latency against error against size: one mark a timed case, the Pareto front ringed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from harness.report import chart_parts as parts
from harness.report import numbers
from harness.report.anchors import case_anchor
from harness.report.pareto import Candidate

HEIGHT = 340
SMALLEST_MARK, LARGEST_MARK = 45.0, 420.0


def trade_off(points: Sequence[Candidate], variants: Sequence[str]) -> dict[str, Any] | None:
    """`points` are of one model, `variants` those of the whole page. None where nothing can be drawn."""
    if not points:
        return None
    errors = [point.error for point in points if point.error]
    lowest = math.floor(math.log10(min(errors, default=1e-7)))
    highest = math.ceil(math.log10(max(errors, default=1e-7)))
    has_exact = len(errors) < len(points)
    # Zero has no place on a logarithmic axis: exact cases stand one decade below all others, on a line that says so.
    exact = 10.0 ** (lowest - 1)
    decades = [10.0**exponent for exponent in range(lowest - has_exact, max(highest, lowest + 1) + 1)]
    largest = max(point.bytes for point in points)
    rows = [_row(point, exact, largest) for point in points]
    times = [point.median_ms for point in points]
    shown = [variant for variant in variants if any(row["variant"] == variant for row in rows)]
    labels = f"datum.value < {exact * 2} ? 'exact' : {parts.ERROR_LABELS}" if has_exact else parts.ERROR_LABELS
    across = alt.X(
        "median:Q",
        title="Median time of one inference",
        scale=parts.scale(times),
        axis=alt.Axis(labelExpr=parts.TIME_LABELS, values=parts.ticks(times, 10), labelOverlap=True),
    )
    up = alt.Y(
        "error:Q",
        title=None,
        scale=alt.Scale(type="log", domain=[decades[0], decades[-1]], padding=16),
        axis=alt.Axis(labelExpr=labels, values=decades, labelOverlap=True),
    )
    data = alt.Chart(alt.InlineData(values=rows))
    area = alt.Size("area:Q", scale=None, legend=None)
    colour, shape = parts.colour_of(shown, variants), parts.shape_of(shown, variants)
    layers: list[alt.Chart] = [
        data.transform_filter("!datum.front")
        .mark_point(strokeWidth=1.3, opacity=0.55)
        .encode(
            x=across,
            y=up,
            size=area,
            stroke=colour,
            shape=shape,
            fill=alt.condition("datum.barred", alt.value("var(--panel)"), colour),
            tooltip=_tooltips(),
        ),
        data.transform_filter("datum.front")
        .mark_point(strokeWidth=2.4, opacity=1, stroke="var(--ink)")
        .encode(x=across, y=up, size=area, shape=shape, fill=colour, tooltip=_tooltips()),
    ]
    return parts.finish(alt.LayerChart(layer=layers, width="container", height=HEIGHT))


def _row(point: Candidate, exact: float, largest: int) -> dict[str, Any]:
    case = point.case
    return {
        "anchor": case_anchor(case),
        "variant": case.variant,
        "median": point.median_ms,
        "error": point.error or exact,
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


def _tooltips() -> list[alt.Tooltip]:
    return parts.tooltips("Target", "Variant", "Median", "Error", "Size", "Pareto front")
