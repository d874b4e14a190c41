"""What came of one candidate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from harness.tune.candidates import Candidate

AttemptVerdict = Literal["passed", "failed", "refused"]
"""`refused`: a target or the converter cannot do it at all; `failed`: it ran, and broke a rule."""


@dataclass(frozen=True)
class Attempt:
    """One candidate that was tried on every target, or on those up to the first that does not take it."""

    candidate: Candidate
    verdict: AttemptVerdict
    figure: float | None = None
    """The figure that the search makes small. None if it was not measured."""
    error: float | None = None
    """The largest relative error of any output on any target."""
    beyond: float = math.inf
    """Measured over allowed for the worst broken rule; 0 if none broke."""
    reason: str = ""
    """Which rule stands in the way, or what refused it."""
    targets: tuple[str, ...] = ()
    """Targets on which it does not pass, of those that were asked. Empty if the converter refused it."""
    ran_everywhere: bool = False
    """Whether every target ran it, so that each had its say on the figure."""


def figure_of(attempt: Attempt) -> float:
    """The attempt's figure; infinite if it has none."""
    return infinity_if_missing(attempt.figure)


def infinity_if_missing(value: float | None) -> float:
    """A number to be sorted by: what is not known comes last."""
    return math.inf if value is None else value
