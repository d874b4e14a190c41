"""Judges values that are right but in the wrong place: swapped outputs, exchanged classes, exchanged labels."""

from __future__ import annotations

from collections.abc import Sequence

from harness.gate.policy import Edge
from harness.store.record import Check, Comparison, TaskMetric

IN_PLACE = (
    "Ten times less error power (10 dB) in another place than in its own is no rounding: every limit on errors leaves "
    "less room"
)
LABELS_IN_PLACE = (
    "A model that takes two thirds of each of two classes for the other has learnt them, under other names"
)
MOST_NAMED = 4

GOLDEN = {"conversion": "the float32 golden", "runtime": "the reference interpreter"}


def judge_misplaced_outputs(edge: Edge, comparisons: Sequence[Comparison]) -> list[Check]:
    """A failing check for outputs that look swapped, and one for each output whose classes look exchanged. Empty if
    everything is in its place."""
    checks = []
    moved = [comparison for comparison in comparisons if comparison.looks_like is not None]
    if moved:
        checks.append(_failed(f"parity.{edge}.swapped_outputs", f"{edge}.outputs", _swapped(edge, comparisons, moved)))
    for comparison in comparisons:
        if comparison.exchanged_classes:
            metric = f"{edge}.{comparison.output}.classes"
            checks.append(_failed(f"parity.{edge}.exchanged_classes", metric, _exchanged(edge, comparison)))
    return checks


def judge_labels(task: TaskMetric) -> list[Check]:
    """A failing check where the float32 model itself says that two labels are exchanged."""
    if task.exchanged_labels is None:
        return []
    one, other = task.exchanged_labels
    message = (
        f"Labels: classes {one} and {other} look exchanged in the data: TensorFlow's own float32 model takes most "
        "samples of each for the other; no accuracy measured with these labels means anything."
    )
    return [_failed("task.exchanged_labels", "task.labels", message, LABELS_IN_PLACE)]


def _swapped(edge: Edge, comparisons: Sequence[Comparison], moved: Sequence[Comparison]) -> str:
    places = {comparison.output: index for index, comparison in enumerate(comparisons)}

    def named(output: str | None) -> str:
        return f"output {places.get(output or '', '?')} ({output!r})"

    pairs = [f"{named(found.output)} agrees with its {named(found.looks_like)}" for found in moved[:MOST_NAMED]]
    more = f", and {len(moved) - MOST_NAMED} more" if len(moved) > MOST_NAMED else ""
    return f"{edge.capitalize()}: the outputs look swapped against {GOLDEN[edge]}: {', '.join(pairs)}{more}."


def _exchanged(edge: Edge, comparison: Comparison) -> str:
    classes = comparison.exchanged_classes
    named = ", ".join(str(place) for place in classes[: 2 * MOST_NAMED])
    if len(classes) == 2:
        what = f"classes {classes[0]} and {classes[1]} look exchanged"
    elif len(classes) <= 2 * MOST_NAMED:
        what = f"classes {named} look exchanged among each other"
    else:
        what = f"{len(classes)} classes look exchanged among each other ({named}, …)"
    return f"{edge.capitalize()}: {what} in output {comparison.output!r}, against {GOLDEN[edge]}."


def _failed(rule: str, metric: str, message: str, source: str = IN_PLACE) -> Check:
    return Check.make(rule, metric, passed=False, source=source, message=message)
