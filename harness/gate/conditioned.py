"""Limits that follow from the model itself: what its conditioning makes of a default limit.

An artifact's outputs were moved by the rounding of its own operators (`harness.conversion.conditioning`): that is how
far sound runtimes are apart by themselves. A limit leaves them `MARGIN` times that. Well-conditioned models get sharper
limits than any rule for all models can have, ill-conditioned ones no false alarm.
"""

from __future__ import annotations

import math

from harness.gate.policy import ParityRule
from harness.store.record import Conditioning, OutputConditioning

MARGIN = 2.0
"""Movement is a figure of a few random draws, and two runtimes round on both sides: twice the power of one (3 dB), and
as much again for draws that are not the worst. docs/limits.md holds it against what was measured."""
MARGIN_DB = 20.0 * math.log10(MARGIN)
FLOOR_DB = 20.0
"""An error of a tenth of the signal is another model, however ill-conditioned this one is."""
MOST_STEPS = 38
"""As far as a softmax moves a probability at most (see the default of `amplified_lsb`)."""
PEAK_OVER_MEAN = 10.0
"""A Gaussian error reaches five times its root mean square in one of 10⁶ values."""


def conditioned(rule: ParityRule, figures: OutputConditioning | None, seen: Conditioning | None) -> ParityRule:
    """`rule` for one output, with the limit that follows from its `figures`; as it is without any, or a user's."""
    if not rule.conditioned or figures is None or seen is None or figures.sqnr_db is None:
        return rule
    decibels = max(FLOOR_DB, figures.sqnr_db - MARGIN_DB)
    if rule.metric == "sqnr_db":
        return _with(rule, decibels, f"{_answer(seen)} moves it by {figures.sqnr_db:.1f} dB; {MARGIN_DB:.0f} dB margin")
    if rule.metric == "peak" and figures.peak is not None:
        limit = max(PEAK_OVER_MEAN * 10.0 ** (-decibels / 20.0), MARGIN * figures.peak)
        return _with(rule, limit, f"{_answer(seen)} moves a value by {figures.peak:.3g} of the root mean square")
    return rule


def steps_rule(
    rule: ParityRule | None, figures: OutputConditioning | None, seen: Conditioning | None
) -> ParityRule | None:
    """The limit in steps of an output that has them, if `rule` (for its SQNR) gives way to its conditioning."""
    if rule is None or not rule.conditioned or figures is None or seen is None or figures.steps is None:
        return None
    limit = min(MOST_STEPS, max(1.0, MARGIN * figures.steps))
    source = (
        f"{_answer(seen)} moves it by {figures.steps} steps; twice that, at least 1 (a tie) and at most {MOST_STEPS}"
    )
    return _with(rule.model_copy(update={"metric": "max_lsb"}), limit, source)


def _answer(seen: Conditioning) -> str:
    drawn = f"{seen.draws} draws, {seen.samples} samples; docs/limits.md"
    return f"The model's own conditioning ({drawn}): rounding inside its operators"


def _with(rule: ParityRule, limit: float, source: str) -> ParityRule:
    return rule.model_copy(update={"limit": limit, "source": source})
