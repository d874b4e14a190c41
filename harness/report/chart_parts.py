"""What all charts share: colours, shapes, scales, ticks and labels. Colours are CSS variables, so that one drawing
serves light, dark and print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

LOG_SPAN = 20
"""A linear axis hides the small figures where the largest is more than this many times the smallest."""

SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left"]
COLOURS = [f"var(--series-{index})" for index in range(1, 9)]

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


def is_wide(values: Sequence[float]) -> bool:
    """Whether a logarithmic axis is called for."""
    return min(values) > 0 and max(values) / min(values) > LOG_SPAN


def middle(values: Sequence[float]) -> float:
    """The value in the middle of the axis."""
    return math.sqrt(min(values) * max(values)) if is_wide(values) else max(values) / 2


def scale(values: Sequence[float]) -> alt.Scale:
    """The domain is written out, because a layer that shows few of the rows must not narrow it."""
    if is_wide(values):
        return alt.Scale(type="log", domain=[min(values), max(values)], padding=12)
    return alt.Scale(domain=[0, max(values) or 1], padding=12)


def ticks(values: Sequence[float], base: int) -> list[float]:
    """Few round values inside the axis: 1, 2 and 5 times a power of ten, or powers of two (for bytes)."""
    low, high = (min(values), max(values)) if is_wide(values) else (0.0, max(values) or 1.0)
    if base == 2:
        step = 2.0 ** math.ceil(math.log2(high / 5))
        powers = [2.0**exponent for exponent in range(math.ceil(math.log2(low or 1)), math.floor(math.log2(high)) + 1)]
    else:
        decade = 10.0 ** math.floor(math.log10(high / 5))
        step = next(decade * factor for factor in (1, 2, 5, 10) if decade * factor >= high / 5)
        powers = [
            10.0**exponent for exponent in range(math.ceil(math.log10(low or 1)), math.floor(math.log10(high)) + 1)
        ]
    if low == 0:
        return [step * index for index in range(math.floor(high / step) + 1)]
    return powers


def colour(variant: str, variants: Sequence[str]) -> str:
    """The colour of a variant, the same on the whole page."""
    return COLOURS[variants.index(variant) % len(COLOURS)]


def shape(variant: str, variants: Sequence[str]) -> str:
    """The shape of a variant, the same on the whole page."""
    place = variants.index(variant)
    # Shifted at each turn, so that the ninth variant shares the first one's colour and not its shape.
    return SHAPES[(place + place // len(COLOURS)) % len(SHAPES)]


def colour_of(shown: Sequence[str], variants: Sequence[str]) -> alt.Color:
    colours = alt.Scale(domain=list(shown), range=[colour(name, variants) for name in shown])
    return alt.Color("variant:N", scale=colours, legend=None)


def shape_of(shown: Sequence[str], variants: Sequence[str]) -> alt.Shape:
    shapes = alt.Scale(domain=list(shown), range=[shape(name, variants) for name in shown])
    return alt.Shape("variant:N", scale=shapes, legend=None)


def tooltips(*names: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:N") for name in names]


def finish(chart: alt.LayerChart) -> dict[str, Any]:
    # Checking every chart against the schema takes seconds; the tests draw them all instead.
    specification: dict[str, Any] = chart.to_dict(validate=False)
    # The address of the schema and Altair's own look are of no use in the page; CONFIG is written there once.
    del specification["$schema"]
    specification.pop("config", None)
    return specification
