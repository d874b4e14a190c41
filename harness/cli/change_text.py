"""Changes and figures in words."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.history.case_history import ChangePoint
from harness.history.metrics import Metric
from harness.report import numbers


def figure_text(value: float, metric: Metric) -> str:
    """A value as people read it."""
    if metric.unit == "ms":
        return numbers.milliseconds(value)
    if metric.unit == "B":
        return numbers.byte_size(round(value))
    if metric.exact and value.is_integer():
        return f"{value:,.0f}".replace(",", " ") + (f" {metric.unit}" if metric.unit else "")
    return numbers.significant(value) + (f" {metric.unit}" if metric.unit else "")


def change_text(change: ChangePoint, metric: Metric) -> str:
    """How far it changed, with its interval where it has one."""
    step = change.step
    if not step.relative:
        text = f"{step.size:+.3g}"
        return text if step.low == step.high else f"{text} [{step.low:+.3g}, {step.high:+.3g}]"
    text = f"{100 * step.size:+.3g} %"
    if step.low == step.high:
        return f"{figure_text(step.before, metric)} → {figure_text(step.after, metric)} ({text})"
    return f"{text} [{100 * step.low:+.3g}, {100 * step.high:+.3g}]"


def day_text(started: float) -> str:
    """The day in UTC."""
    return f"{datetime.fromtimestamp(started, UTC):%Y-%m-%d}"
