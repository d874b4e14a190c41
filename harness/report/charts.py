"""The drawings of the page as Vega-Lite specifications: one of each kind, for all models.

The page fills in what depends on the figures (points, scales, ticks, height), because the filter chooses the points.
"""

from __future__ import annotations

from typing import Any

import altair as alt

CONFIG: dict[str, Any] = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--soft)",
        "titleColor": "var(--soft)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "labelLimit": 210,
    },
}

TIME_LABELS = (
    "datum.value >= 1000 ? format(datum.value / 1000, '~g') + ' s' : "
    "datum.value >= 1 || datum.value == 0 ? format(datum.value, '~g') + ' ms' : "
    "datum.value >= 0.001 ? format(datum.value * 1000, '~g') + ' µs' : format(datum.value * 1e6, '~g') + ' ns'"
)
SIZE_LABELS = (
    "datum.value >= 1048576 ? format(datum.value / 1048576, '~r') + ' MiB' : "
    "datum.value >= 1024 ? format(datum.value / 1024, '.3~r') + ' KiB' : format(datum.value, '~r') + ' B'"
)
ERROR_LABELS = (
    "datum.value >= 0.0001 ? format(datum.value * 100, '~g') + ' %' : "
    "datum.value >= 1e-8 ? format(datum.value * 1e6, '~g') + ' ppm' : format(datum.value, '.0e')"
)


def colour() -> alt.Color:
    """A mark's colour, by its variant; the page gives a variant the same colour everywhere."""
    return alt.Color("variant:N", legend=None)


def shape() -> alt.Shape:
    """A mark's shape, by its variant as its colour is."""
    return alt.Shape("variant:N", legend=None)


def tooltips(*names: str) -> list[alt.Tooltip]:
    """The fields that appear where a reader points at a mark."""
    return [alt.Tooltip(f"{name}:N") for name in names]


def finish(chart: alt.LayerChart) -> dict[str, Any]:
    """The drawing as the page keeps it. Its points, scales, ticks and height are the page's to fill in."""
    specification: dict[str, Any] = chart.to_dict()
    # The address of the schema and Altair's own look are of no use in the page; CONFIG is written there once.
    del specification["$schema"]
    specification.pop("config", None)
    return specification


TRADE_OFF_HEIGHT, SIZES_HEIGHT, HISTORY_HEIGHT = 340, 260, 230


def drawings() -> dict[str, dict[str, Any]]:
    """Every drawing, by the name of its kind."""
    return {"latency": latency(), "trade-off": trade_off(), "sizes": sizes(), "history": history()}


def latency() -> dict[str, Any]:
    """Median and interval per target and variant. The page puts the rows `points` (line, median, low, high, …) and
    `headings` (line) in, and the order of the lines."""
    # The name of a target has a line above its variants, not a margin: on a phone a margin would eat the chart.
    data, headings = alt.Chart(alt.NamedData(name="points")), alt.Chart(alt.NamedData(name="headings"))
    line = alt.Y("line:N", scale=alt.Scale(type="band"), axis=None)
    top = alt.Y("line:N", scale=alt.Scale(type="band"), axis=None, bandPosition=0)
    axis = alt.Axis(labelExpr=TIME_LABELS, labelOverlap=True, orient="top")

    def across(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title=None, scale=alt.Scale(), axis=axis)

    layers: list[alt.Chart] = [
        headings.mark_rule(color="var(--line)").encode(y=top),
        headings.mark_text(align="left", fontSize=12, fontWeight=500, fill="var(--soft)").encode(
            x=alt.value(0), y=line, text="line:N"
        ),
        data.mark_rule(strokeWidth=2).encode(x=across("low"), x2="high:Q", y=line, color=colour()),
        data.mark_point(size=60, strokeWidth=1.5, opacity=1).encode(
            x=across("median"),
            y=line,
            fill=alt.condition("datum.simulated", alt.value("var(--panel)"), colour()),
            stroke=colour(),
            shape=shape(),
            tooltip=tooltips("Target", "Variant", "Median", "95 % interval", "p99", "First inference", "Steady state"),
        ),
        data.transform_filter("datum.restless")
        .mark_text(
            # Beside the interval, on the side where there is more room, so that the words do not leave the chart.
            align=alt.ExprRef("datum.right ? 'right' : 'left'"),
            dx=alt.ExprRef("datum.right ? -9 : 9"),
            fontSize=11,
            fill="var(--ink)",
        )
        .encode(x=across("beside"), y=line, text=alt.value("never steady")),
    ]
    return finish(alt.LayerChart(layer=layers, width="container"))


def trade_off() -> dict[str, Any]:
    """Latency against error against size: one mark a timed case, the Pareto front ringed. The page puts the rows
    `points` (median, error, area, front, barred, …) in."""
    across = alt.X(
        "median:Q",
        title="Median time of one inference",
        scale=alt.Scale(),
        axis=alt.Axis(labelExpr=TIME_LABELS, labelOverlap=True),
    )
    up = alt.Y("error:Q", title=None, scale=alt.Scale(type="log", padding=16), axis=alt.Axis(labelOverlap=True))
    data = alt.Chart(alt.NamedData(name="points"))
    area = alt.Size("area:Q", scale=None, legend=None)
    shown = tooltips("Target", "Variant", "Median", "Error", "Size", "Pareto front")
    layers: list[alt.Chart] = [
        data.transform_filter("!datum.front")
        .mark_point(strokeWidth=1.3, opacity=0.55)
        .encode(
            x=across,
            y=up,
            size=area,
            stroke=colour(),
            shape=shape(),
            fill=alt.condition("datum.barred", alt.value("var(--panel)"), colour()),
            tooltip=shown,
        ),
        data.transform_filter("datum.front")
        .mark_point(strokeWidth=2.4, opacity=1, stroke="var(--ink)")
        .encode(x=across, y=up, size=area, shape=shape(), fill=colour(), tooltip=shown),
    ]
    return finish(alt.LayerChart(layer=layers, width="container", height=TRADE_OFF_HEIGHT))


def sizes() -> dict[str, Any]:
    """What each variant saves in bytes and costs in exactness. The page puts the rows `points` (bytes, error, label, …)
    in."""
    data = alt.Chart(alt.NamedData(name="points"))
    size_axis = alt.Axis(labelExpr=SIZE_LABELS, labelOverlap=True)
    across = alt.X("bytes:Q", title="Size of the file", scale=alt.Scale(), axis=size_axis)
    up = alt.Y("error:Q", title=None, scale=alt.Scale(type="log", padding=14), axis=alt.Axis(labelOverlap=True))
    layers: list[alt.Chart] = [
        data.mark_point(size=90, strokeWidth=1.5, opacity=0.9).encode(
            x=across,
            y=up,
            fill=colour(),
            stroke=colour(),
            shape=shape(),
            tooltip=tooltips("Variant", "For", "Size", "Conversion error"),
        ),
        data.transform_filter("datum.label")
        .mark_text(dy=14, fontSize=11, fill="var(--soft)")
        .encode(x=across, y=up, text="label:N"),
    ]
    return finish(alt.LayerChart(layer=layers, width="container", height=SIZES_HEIGHT))


def history() -> dict[str, Any]:
    """One series over its runs. The page puts the rows `points` (when, value, low, high, Run, …) and `changes` (when,
    label, tone) in."""
    points = alt.Chart(alt.NamedData(name="points"))
    changes = alt.Chart(alt.NamedData(name="changes"))
    across = alt.X("when:T", title=None, axis=alt.Axis(labelOverlap=True, tickCount=7, grid=False))
    up = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False, nice=True, padding=8), axis=alt.Axis(tickCount=5))
    layers: list[alt.Chart] = [
        points.mark_area(opacity=0.18, color="var(--series-1)").encode(
            x=across, y=alt.Y("low:Q", title=None, scale=alt.Scale(zero=False)), y2="high:Q"
        ),
        points.mark_line(strokeWidth=1, opacity=0.6, color="var(--series-1)", interpolate="linear").encode(
            x=across, y=up
        ),
        points.mark_point(filled=True, size=22, opacity=0.9, color="var(--series-1)").encode(
            x=across, y=up, tooltip=tooltips("Run", "When", "Value", "95 % interval", "Commit", "Machine")
        ),
        changes.mark_rule(strokeWidth=1.5, strokeDash=[4, 3]).encode(x=across, color=_tone()),
        changes.mark_text(align="left", dx=4, dy=2, baseline="top", fontSize=12, fontWeight=600).encode(
            x=across, y=alt.value(0), text="label:N", color=_tone()
        ),
    ]
    return finish(alt.LayerChart(layer=layers, width="container", height=HISTORY_HEIGHT))


def _tone() -> alt.Color:
    tones = alt.Scale(domain=["worse", "better"], range=["var(--failed)", "var(--passed)"])
    return alt.Color("tone:N", scale=tones, legend=None)
