"""The chart of one series over its runs: one specification for all of them, filled with points by the page."""

from __future__ import annotations

from typing import Any

import altair as alt

from harness.report import chart_parts as parts

HEIGHT = 230
TICK_LABELS = {"TIME": parts.TIME_LABELS, "BYTES": parts.SIZE_LABELS}
"""By the unit of the figure, for the page to choose."""


def history_chart() -> dict[str, Any]:
    """The page puts the rows `points` (when, value, low, high, Run, …) and `changes` (when, label, worse) in."""
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
            x=across, y=up, tooltip=parts.tooltips("Run", "When", "Value", "95 % interval", "Commit", "Machine")
        ),
        changes.mark_rule(strokeWidth=1.5, strokeDash=[4, 3]).encode(x=across, color=_tone()),
        changes.mark_text(align="left", dx=4, dy=2, baseline="top", fontSize=12, fontWeight=600).encode(
            x=across, y=alt.value(0), text="label:N", color=_tone()
        ),
    ]
    return parts.finish(alt.LayerChart(layer=layers, width="container", height=HEIGHT))


def _tone() -> alt.Color:
    tones = alt.Scale(domain=["worse", "better"], range=["var(--failed)", "var(--passed)"])
    return alt.Color("tone:N", scale=tones, legend=None)
