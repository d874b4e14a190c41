"""What each operator of a recipe adds in noise, as learnt from what was tried, and the smallest set to be left in
float.

The powers of the noises of operators are taken to add up at the outputs. That is exact for small errors that know
nothing of each other, and otherwise an estimate, which decides nothing but what is tried next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.tune.attempt import Attempt
from harness.tune.candidates import Operator

ROUNDS = 20
"""Rounds of fitting. Each round takes every attempt once."""
STEPS = 1000
"""Number of steps that the bytes of all operators are divided into when the smallest set is searched."""


class Noise:
    """The noise power of each operator at the outputs, in shares of what is allowed."""

    def __init__(self, operators: Sequence[Operator], base: Attempt, attempts: Sequence[Attempt]) -> None:
        """`attempts`: at `base`, which is nothing in float, and at it with some operators in float."""
        self.operators = [one for one in operators if one.loss > 0.0]
        self.of = {one.name: one.loss for one in self.operators}
        measured = [(set(one.candidate.floats), _power(one, base)) for one in attempts]
        self._fit([(floats, power) for floats, power in measured if power is not None and power > 0.0])

    def _fit(self, measured: Sequence[tuple[set[str], float]]) -> None:
        """Scale what is quantised in each attempt to what was measured of it, in turns (the multiplicative algebraic
        reconstruction of Gordon, Bender and Herman, 1970)."""
        for _ in range(ROUNDS):
            for floats, power in measured:
                quantised = [name for name in self.of if name not in floats]
                total = sum(self.of[name] for name in quantised)
                if total > 0.0:
                    for name in quantised:
                        self.of[name] *= power / total

    def smallest(self, limit: float, *, by_size: bool) -> tuple[str, ...]:
        """The operators to be left in float so that the noise of the rest is `limit` at most, with the least
        bytes added (or, where these do not matter, the fewest): a knapsack, filled with what stays quantised."""
        cost = {one.name: float(one.added_bytes) if by_size else 1.0 for one in self.operators}
        unit = max(sum(cost.values()), 1.0) / STEPS
        # By what is saved in steps: the least noise that it takes, and the operators that stay quantised.
        least: dict[int, tuple[float, tuple[str, ...]]] = {0: (0.0, ())}
        for one in self.operators:
            saved, noise = round(cost[one.name] / unit), self.of[one.name]
            for before, (power, names) in sorted(least.items(), reverse=True):
                if power + noise <= limit and power + noise < least.get(before + saved, (math.inf, ()))[0]:
                    least[before + saved] = power + noise, (*names, one.name)
        quantised = set(least[max(least)][1])
        return tuple(one.name for one in self.operators if one.name not in quantised)


def _power(attempt: Attempt, base: Attempt) -> float | None:
    """The noise power of an attempt in shares of what is allowed; None where nothing tells."""
    if attempt.verdict == "failed" and math.isfinite(attempt.beyond):
        return attempt.beyond**2
    if attempt.error is None or not base.error or not math.isfinite(base.beyond):
        return None
    return min((attempt.error / base.error * base.beyond) ** 2, 1.0)


def expected_count(ordered: Sequence[Operator], beyond: float) -> int:
    """How many of the first operators bring in so much of the noise that the rest is within the limit. `beyond`: how
    many times as large as allowed the error is with none of them in float, a ratio of amplitudes."""
    total = sum(one.loss for one in ordered)
    if not math.isfinite(beyond) or not math.isfinite(total) or total <= 0.0:
        return 1
    allowed, left = total / max(beyond, 1.0) ** 2, total
    for count, one in enumerate(ordered):
        if left <= allowed:
            return count
        left -= one.loss
    return len(ordered)
