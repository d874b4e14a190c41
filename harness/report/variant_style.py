"""The colour and the shape of a variant: the same in every chart and legend of a page."""

from __future__ import annotations

COLOURS = tuple(f"var(--series-{index})" for index in range(1, 9))
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")


def variant_style(index: int) -> tuple[str, str]:
    """Colour and shape of the variant that stands at `index` among those of the page."""
    # Shifted at each turn, so that the ninth variant shares the first one's colour and not its shape.
    return COLOURS[index % len(COLOURS)], SHAPES[(index + index // len(COLOURS)) % len(SHAPES)]
