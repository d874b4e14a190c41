"""Which of several broken rules to name first: the gravest kind, and within it the one that is furthest off."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from harness.gate.policy_exceptions import HIGHER_IS_BETTER
from harness.store.record import Check

SEVERITY_ORDER: tuple[tuple[str, ...], ...] = (
    ("parity.measured", "parity.conversion.finite"),
    ("runtime.as_asked", "runtime.half_precision"),
    ("parity.runtime.finite",),
    ("parity", "task"),
    ("runtime",),
    ("baseline.parity", "baseline.task", "baseline.golden"),
    ("outcome",),
)
"""Rules by the beginning of their names, the gravest first. Wrong answers are worse than lost cases, and lost cases
are worse than costs. Rules that say why a runtime's numbers are wrong come first. Unlisted rules (bytes, sizes,
speed) come last."""


def severity_rank(check: Check) -> int:
    """The place of a rule's kind: 0 is the gravest."""
    for index, rules in enumerate(SEVERITY_ORDER):
        if any(check.rule == rule or check.rule.startswith(f"{rule}.") for rule in rules):
            return index
    return len(SEVERITY_ORDER)


def times_beyond(check: Check) -> float:
    """How many times the allowed value was measured; infinite if nothing is allowed.

    Decibels are turned into the ratio of amplitudes that they stand for, 10^(dB/20), and shares that agree into those
    that do not, so that rules of different units can be held against each other.
    """
    measured, limit = check.measured, check.limit
    if measured is None or limit is None or math.isnan(measured):
        return math.inf
    if check.metric.endswith("_db"):
        return math.pow(10.0, min((limit - measured) / 20.0, 300.0))
    if check.metric.endswith(HIGHER_IS_BETTER):
        measured, limit = 1.0 - measured, 1.0 - limit
    return measured / limit if limit > 0.0 else math.inf


def worst(checks: Iterable[Check]) -> Check | None:
    """The broken check to name first; None where none is broken."""
    return next(iter(worst_first(checks)), None)


def worst_first(checks: Iterable[Check]) -> Sequence[Check]:
    """The broken ones of `checks`, worst first; equals stay in their order."""
    broken = [check for check in checks if not check.passed]
    return sorted(broken, key=lambda check: (severity_rank(check), -times_beyond(check)))
