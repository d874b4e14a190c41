"""What all charts share: look and labels. Colours are CSS variables: one drawing serves light, dark and print."""

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
    """By the variant; the page gives each the same colour everywhere."""
    return alt.Color("variant:N", legend=None)


def shape() -> alt.Shape:
    """By the variant, as the colour is."""
    return alt.Shape("variant:N", legend=None)


def tooltips(*names: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{name}:N") for name in names]


def finish(chart: alt.LayerChart) -> dict[str, Any]:
    """The drawing as the page keeps it. Its points, scales, ticks and height are the page's to fill in."""
    specification: dict[str, Any] = chart.to_dict()
    # The address of the schema and Altair's own look are of no use in the page; CONFIG is written there once.
    del specification["$schema"]
    specification.pop("config", None)
    return specification
