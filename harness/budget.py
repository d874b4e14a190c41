"""How many of the golden's samples a case is compared on, and the sentence that says why."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from harness.errors import HarnessError

DEFAULT_SECONDS = 4.0
"""Seconds of inference per case. Within them every interpreter and wasm finish all samples of the zoo. Some emulated
cores, software renderers and models of real size do not, and their records say so."""

VARIABLE = "HARNESS_BUDGET"
"""The environment variable that names other seconds, for a machine that is slower than most."""


def default_seconds() -> float:
    """Seconds where neither a command nor harness.toml names any. Raises `HarnessError`."""
    named = os.environ.get(VARIABLE)
    if named is None:
        return DEFAULT_SECONDS
    try:
        seconds = float(named)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise HarnessError(f"{VARIABLE} is '{named}', which is no number of seconds above 0.")
    return seconds


@dataclass(frozen=True)
class SampleBudget:
    """The number of samples to run: as many as take about `seconds`, or a number that a user chose."""

    seconds: float = field(default_factory=lambda: default_seconds())
    samples: int | None = None

    def limit(self, available: int) -> int:
        """The number of samples that a case may be given at most, out of `available`."""
        return available if self.samples is None else min(self.samples, available)


def explain(used: int, available: int, budget: SampleBudget, referenced: int | None = None) -> str:
    """Why only `used` of the available samples were compared, in one sentence; empty if all were. `referenced`: how
    many the reference interpreter answered, if fewer.

    `referenced`: how many the reference interpreter answered, where that was fewer.
    """
    if used >= available:
        return ""
    if budget.samples is not None and used == budget.limit(available):
        return f"{used} of {available} samples, as `samples` asks."
    if referenced is not None and used == referenced:
        return f"{used} of {available} samples: as many as the reference interpreter answered in its time."
    return f"{used} of {available} samples: as many as ran in about {budget.seconds:g} s here."
