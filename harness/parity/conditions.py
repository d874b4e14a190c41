"""Sentences on the conditions under which the outputs of a case were compared: what a reader must know of its
figures."""

from __future__ import annotations

from collections.abc import Mapping

from harness.store.record import Comparison, Parity

WHOLE = "whole"


def conditions(parity: Parity) -> tuple[str, ...]:
    """One sentence per condition. Empty if the first choice of reference was in no doubt and the model has no state."""
    return tuple(sentence for sentence in (parity.yardstick_note, parity.unmeasured, _state(parity)) if sentence)


def runtime_notices(details: Mapping[str, str]) -> tuple[str, ...]:
    """What a runtime said of the way in which it ran the model, in sentences: that a part of it ran elsewhere than was
    asked for (`accelerated`, in its own words), and its warnings."""
    found = []
    if details.get("accelerated", WHOLE) != WHOLE:
        found.append(f"What was asked for runs the model {details['accelerated'].rstrip('.')}.")
    if details.get("warnings"):
        found.append(f"The runtime warns: {details['warnings'].rstrip('.')}.")
    return tuple(found)


def _state(parity: Parity) -> str:
    if parity.state == "sequence":
        return "The model keeps state, and the samples are one sequence: state was kept from each to the next."
    if parity.state != "fresh":
        return ""
    fresh = "The model keeps state, and each sample started from fresh state"
    if not parity.in_sequence:
        return f"{fresh}; with `sequence = true` the samples are one stream."
    return f"{fresh}; as one stream (`sequence = true`) the runtime's outputs are {_apart(parity.in_sequence)}."


def _apart(comparisons: tuple[Comparison, ...]) -> str:
    """The worst of them in words."""
    broken = [found for found in comparisons if not found.finite]
    if broken:
        return f"not finite in output '{broken[0].output}'"
    levels = [(found.sqnr_db, found) for found in comparisons if found.max_abs and found.sqnr_db is not None]
    if levels:
        decibels, worst = min(levels, key=lambda level: level[0])
        steps = f", {worst.max_lsb} LSB" if worst.max_lsb is not None else ""
        return f"{decibels:.1f} dB from the reference's (output '{worst.output}'{steps})"
    return (
        "off where the reference is zero" if any(found.max_abs for found in comparisons) else "the reference's as well"
    )
