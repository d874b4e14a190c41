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
FALSE_ALARMS = 1e-4
"""How often chance alone may break a limit, an output: an output of few values shows its error's power badly."""
PEAK_OVER_MEAN = 10.0
"""A Gaussian error reaches five times its root mean square in one of 10⁶ values."""


def conditioned(
    rule: ParityRule, figures: OutputConditioning | None, seen: Conditioning | None, samples: int, values: int = 0
) -> ParityRule:
    """`rule` with the limit that follows from `figures`, for one output compared over `samples` samples (`values`
    values in all). Unchanged without figures, and for a user's rule."""
    if not rule.conditioned or figures is None or seen is None or figures.sqnr_db is None:
        return rule
    spread = max(20.0 * math.log10(MARGIN) - LEAST_MARGIN_DB, _spread_db(seen, samples, values))
    margin = LEAST_MARGIN_DB + spread + 10.0 * math.log10(_unseen(seen, samples))
    decibels = max(figures.sqnr_db - margin, min(MOST_DB, figures.sqnr_db - LEAST_MARGIN_DB))
    if rule.metric == "sqnr_db":
        given = figures.sqnr_db - decibels
        return _with(rule, decibels, f"{_answer(seen)} leaves it at {figures.sqnr_db:.1f} dB; {given:.0f} dB margin")
    if rule.metric == "peak" and figures.peak is not None:
        limit = max(PEAK_OVER_MEAN * 10.0 ** (-decibels / 20.0), MARGIN * _unseen(seen, samples) * figures.peak)
        return _with(rule, limit, f"{_answer(seen)} moves a value by {figures.peak:.3g} of the root mean square")
    return rule


MOST_DB, MOST_STEPS = 20.0, 38
"""Decibels and steps beyond which a model gets only the least margin: an error of a tenth of the signal (20 dB), and
what a softmax makes of sound logits at most (38 steps, see the default of `amplified_lsb`). The least margin is
twice the power, since two runtimes round where one was disturbed, and twice the steps, since a value that jumps (the
place of a maximum) can jump anywhere. docs/limits.md has the model that showed it."""
LEAST_MARGIN_DB = 3.0
"""Decibels for twice the power, since two runtimes both round. The rest of a margin is for draws and samples."""


def steps_rule(
    rule: ParityRule | None, figures: OutputConditioning | None, seen: Conditioning | None, samples: int
) -> ParityRule | None:
    """The limit in steps of an output that has them, if `rule` (for its SQNR) gives way to its conditioning."""
    if rule is None or not rule.conditioned or figures is None or seen is None or figures.steps is None:
        return None
    factor = MARGIN * _unseen(seen, samples)
    limit = max(1.0, min(factor * figures.steps, max(MOST_STEPS, MARGIN * figures.steps)))
    given = limit / max(1, figures.steps)
    source = f"{_answer(seen)} moves it by {figures.steps} steps; {given:.2g} times that, at least 1 (a tie)"
    return _with(rule.model_copy(update={"metric": "max_lsb"}), limit, source)


def _unseen(seen: Conditioning, samples: int) -> float:
    """Expected ratio of the largest movement over all samples to that over the samples looked at. It is as many
    times as there are more samples, where few samples move much farther than most (tail 1/x², Cauchy). The mean
    power grows as much."""
    return max(1.0, samples / max(1, seen.samples))


def _spread_db(seen: Conditioning, samples: int, values: int) -> float:
    """How far the power of an error over `values` values, and over those that were looked at, are apart by chance: the
    F distribution's quantile, for independent errors of one variance: 11 dB for 11 values each, 3 dB for 125."""
    looked_at = values * seen.samples // max(1, samples)
    if not values or not looked_at:
        return 0.0
    from scipy.special import fdtri  # imported here: SciPy takes long to load

    return 10.0 * math.log10(float(fdtri(values, looked_at, 1.0 - FALSE_ALARMS)))


def _answer(seen: Conditioning) -> str:
    drawn = f"{seen.draws} draws, {seen.samples} samples; docs/limits.md"
    return f"The model's own conditioning ({drawn}): rounding inside its operators"


def _with(rule: ParityRule, limit: float, source: str) -> ParityRule:
    return rule.model_copy(update={"limit": limit, "source": source})
