"""Charts of one model as Vega-Lite specifications: latency by target, and error against size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from harness.report import chart_parts as parts
from harness.report import numbers
from harness.report.anchors import case_anchor
from harness.report.trade_off import TradeOff
from harness.store.record import CaseResult, SteadyState

LINE_HEIGHT = 15


def latency(cases: Sequence[CaseResult], variants: Sequence[str]) -> dict[str, Any] | None:
    """One model: median and interval per target and variant. None where nothing was timed.

    `variants` are those of the whole page: a variant has one shape and one colour everywhere.
    """
    timed = [case for case in cases if case.latency]
    if not timed:
        return None
    # Simulated targets stand below all others: their milliseconds must not sit between those of hardware.
    rows = [_latency_row(case) for case in sorted(timed, key=lambda case: case.simulated)]
    places = list(dict.fromkeys(row["place"] for row in rows))
    shown = [variant for variant in variants if any(row["variant"] == variant for row in rows)]
    # The name of a target has a line above its variants, not a margin: on a phone a margin would eat the chart.
    lines = [
        line
        for place in places
        for line in (place, *(row["line"] for variant in shown for row in rows if _is(row, place, variant)))
    ]
    data = alt.Chart(alt.InlineData(values=rows))
    line = alt.Y("line:N", scale=alt.Scale(type="band", domain=lines), axis=None)
    top = alt.Y("line:N", scale=alt.Scale(type="band", domain=lines), axis=None, bandPosition=0)
    extent = latency_extent(timed)
    axis = alt.Axis(labelExpr=parts.TIME_LABELS, values=parts.ticks(extent, 10), labelOverlap=True, orient="top")

    def across(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title=None, scale=parts.scale(extent), axis=axis)

    headings = alt.Chart(alt.InlineData(values=[{"line": place} for place in places]))
    colour_of = parts.colour_of(shown, variants)
    layers: list[alt.Chart] = [
        headings.mark_rule(color="var(--line)").encode(y=top),
        headings.mark_text(align="left", fontSize=12, fontWeight=500, fill="var(--soft)").encode(
            x=alt.value(0), y=line, text="line:N"
        ),
        data.mark_rule(strokeWidth=2).encode(x=across("low"), x2="high:Q", y=line, color=colour_of),
        data.mark_point(size=60, strokeWidth=1.5, opacity=1).encode(
            x=across("median"),
            y=line,
            fill=alt.condition("datum.simulated", alt.value("var(--panel)"), colour_of),
            stroke=colour_of,
            shape=parts.shape_of(shown, variants),
            tooltip=parts.tooltips(
                "Target", "Variant", "Median", "95 % interval", "p99", "First inference", "Steady state"
            ),
        ),
        data.transform_filter("datum.restless")
        .mark_text(
            # On the inner side of the point, so that the words do not leave the chart.
            align=alt.ExprRef(f"datum.median > {parts.middle(extent)} ? 'right' : 'left'"),
            dx=alt.ExprRef(f"datum.median > {parts.middle(extent)} ? -11 : 11"),
            fontSize=11,
            fill="var(--ink)",
        )
        .encode(x=across("median"), y=line, text=alt.value("never steady")),
    ]
    return parts.finish(alt.LayerChart(layer=layers, width="container", height=len(lines) * LINE_HEIGHT))


def _is(row: dict[str, Any], place: str, variant: str) -> bool:
    return bool(row["place"] == place and row["variant"] == variant)


def latency_extent(cases: Sequence[CaseResult]) -> list[float]:
    """Every figure that the axis must hold, in milliseconds."""
    timings = [case.latency for case in cases if case.latency]
    return [value for one in timings for value in (one.median_ms, one.median_interval.low, one.median_interval.high)]


def _latency_row(case: CaseResult) -> dict[str, Any]:
    timing = case.latency
    assert timing is not None, "only timed cases get a row"
    place = case.target + (" (simulated)" if case.simulated else "")
    return {
        "place": place,
        "line": f"{place}\n{case.variant}",
        "variant": case.variant,
        "simulated": case.simulated,
        "restless": timing.state is SteadyState.NONE,
        "median": timing.median_ms,
        "low": timing.median_interval.low,
        "high": timing.median_interval.high,
        "anchor": case_anchor(case),
        "Target": place,
        "Variant": case.variant,
        "Median": numbers.milliseconds(timing.median_ms),
        "95 % interval": numbers.interval(timing.median_interval),
        "p99": numbers.milliseconds(timing.p99_ms),
        "First inference": numbers.milliseconds(timing.first_ms),
        "Steady state": "never steady" if timing.state is SteadyState.NONE else timing.state.value,
    }


def error_against_size(points: Sequence[TradeOff], variants: Sequence[str]) -> dict[str, Any] | None:
    """One model: what each variant saves in bytes and costs in exactness. None where there is nothing to draw."""
    drawable = [point for point in points if point.error is not None]
    if not drawable:
        return None
    errors = [point.error for point in drawable if point.error]
    lowest, highest = (
        math.floor(math.log10(min(errors, default=1e-7))),
        math.ceil(math.log10(max(errors, default=1e-7))),
    )
    # Zero has no place on a logarithmic axis: exact variants stand one decade below all others, on a line that says so.
    exact = 10.0 ** (lowest - 1)
    has_exact = any(point.error == 0 for point in drawable)
    decades = [10.0**exponent for exponent in range(lowest - has_exact, max(highest, lowest + 1) + 1)]
    sizes = [float(point.bytes) for point in drawable]
    rows = [
        {
            "variant": point.variant,
            "bytes": point.bytes,
            "error": point.error or exact,
            "family": point.families[0],
            "Variant": point.variant,
            "For": ", ".join(point.families),
            "Size": numbers.byte_size(point.bytes),
            "Conversion error": numbers.error_share(point.error or 0.0),
        }
        for point in drawable
    ]
    _name_formats(rows, max(sizes), len(decades))
    shown = [variant for variant in variants if any(row["variant"] == variant for row in rows)]
    data = alt.Chart(alt.InlineData(values=rows))
    size_axis = alt.Axis(labelExpr=parts.SIZE_LABELS, values=parts.ticks(sizes, 2), labelOverlap=True)
    labels = f"datum.value < {exact * 2} ? 'exact' : {parts.ERROR_LABELS}" if has_exact else parts.ERROR_LABELS
    error_axis = alt.Axis(labelExpr=labels, values=decades, labelOverlap=True)
    across = alt.X("bytes:Q", title="Size of the file", scale=parts.scale(sizes), axis=size_axis)
    error_scale = alt.Scale(type="log", domain=[decades[0], decades[-1]], padding=14)
    up = alt.Y("error:Q", title=None, scale=error_scale, axis=error_axis)
    layers: list[alt.Chart] = [
        data.mark_point(size=90, strokeWidth=1.5, opacity=0.9).encode(
            x=across,
            y=up,
            fill=parts.colour_of(shown, variants),
            stroke=parts.colour_of(shown, variants),
            shape=parts.shape_of(shown, variants),
            tooltip=parts.tooltips("Variant", "For", "Size", "Conversion error"),
        ),
        data.transform_filter("datum.label")
        .mark_text(dy=14, fontSize=11, fill="var(--soft)")
        .encode(x=across, y=up, text="label:N"),
    ]
    return parts.finish(alt.LayerChart(layer=layers, width="container", height=260))


def _name_formats(rows: list[dict[str, Any]], largest: float, decades: int) -> None:
    """Write `label` into each row: the family beneath a point, where a model has files for more than one.

    Points that lie together get one name, under the lowest of them, or the names would be written over one another.
    """
    several = len({row["family"] for row in rows}) > 1
    groups: list[list[dict[str, Any]]] = []
    for row in rows:
        row["label"] = ""
        for group in groups:
            apart = abs(math.log10(row["error"] / group[0]["error"])) / decades
            if abs(row["bytes"] - group[0]["bytes"]) < 0.12 * largest and apart < 0.1:
                group.append(row)
                break
        else:
            groups.append([row])
    if several:
        for group in groups:
            lowest = min(group, key=lambda row: row["error"])
            lowest["label"] = ", ".join(dict.fromkeys(row["family"] for row in group))
