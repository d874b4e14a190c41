"""A series as a chart of characters: the points, the level of each segment, and where it changes."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from harness.history.case_history import History

POINT, LEVEL, CHANGE = "·", "─", "│"
_MARKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def mark(index: int) -> str:
    """The letter of the change point at `place`; beyond Z, a plus."""
    return _MARKS[index] if index < len(_MARKS) else "+"


def chart(history: History, width: int = 72, height: int = 10) -> str:
    """Lines of text, `height` of them with `width` columns for the points, and the axes. No control codes.

    Runs stand at equal distances. Where there are more runs than columns, a column shows all the runs that fall on it.
    Values beyond five robust deviations of the rest stand on the edge, as ▲ or ▼.
    """
    values = history.series.values
    count = len(values)
    width = max(2, min(width, 2 * count))
    columns = (
        np.zeros(count, dtype=int) if count == 1 else np.round(np.arange(count) * (width - 1) / (count - 1)).astype(int)
    )
    bounds = [0, *(change.step.index for change in history.changes), count]
    levels = [float(np.median(values[start:end])) for start, end in pairwise(bounds)]
    low, high = _range(values, levels, bounds)
    grid = [[" "] * width for _ in range(height)]

    def row(value: float) -> int:
        return height - 1 - round((min(max(value, low), high) - low) / (high - low) * (height - 1))

    for index, level in enumerate(levels):
        for column in range(columns[bounds[index]], columns[bounds[index + 1] - 1] + 1):
            grid[row(level)][column] = LEVEL
    for change in history.changes:
        column = columns[change.step.index]
        for line in grid:
            line[column] = CHANGE
    for column, value in zip(columns, values, strict=True):
        symbol = "▲" if value > high else "▼" if value < low else POINT
        grid[row(float(value))][column] = symbol
    labels = [_number(high - (high - low) * line / (height - 1)) for line in range(height)]
    margin = max(map(len, labels))
    lines = [
        f"{labels[line] if line % 3 == 0 or line == height - 1 else '':>{margin}} ┤{''.join(grid[line]).rstrip()}"
        for line in range(height)
    ]
    marks = [" "] * width
    for index, change in enumerate(history.changes):
        marks[columns[change.step.index]] = mark(index)
    if history.changes:
        lines.append(" " * (margin + 2) + "".join(marks).rstrip())
    first, last = (_day(history.series.runs[place].started) for place in (0, -1))
    lines.append(" " * (margin + 2) + (first if width < 24 else f"{first}{last:>{width - len(first)}}"))
    return "\n".join(lines)


def _range(values: np.ndarray, levels: list[float], bounds: list[int]) -> tuple[float, float]:
    """The axis: all values, but for those far from the level of their segment."""
    own = np.array([levels[bisect_right(bounds, index) - 1] for index in range(len(values))])
    away = np.abs(values - own)
    spread = 1.4826 * float(np.median(away))
    near = values[away <= 5.0 * spread] if spread > 0 else values
    low, high = min(float(near.min()), *levels), max(float(near.max()), *levels)
    if low == high:
        reach = abs(low) * 0.05 or 1.0
        return low - reach, high + reach
    return low, high


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 100_000 else f"{value:,.0f}"


def _day(started: float) -> str:
    return f"{datetime.fromtimestamp(started, UTC):%Y-%m-%d}"
