"""How many of the golden's samples a case is compared on, and the sentence that says why."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_SECONDS = 4.0
"""Of inference a case. The zoo's models are through with all their samples by then on every interpreter, wasm and QEMU;
a slow renderer and a model of real size are not, and say so."""


@dataclass(frozen=True)
class Budget:
    """As many samples as take about `seconds`, or a number of them that somebody chose."""

    seconds: float = DEFAULT_SECONDS
    samples: int | None = None

    def limit(self, available: int) -> int:
        """The most samples that a case may be given, of so many."""
        return available if self.samples is None else min(self.samples, available)


def explain(used: int, available: int, budget: Budget, referenced: int | None = None) -> str:
    """Why so many of the available samples were compared, in one sentence; empty where it was all of them.

    `referenced`: how many the reference interpreter answered, where that was fewer.
    """
    if used >= available:
        return ""
    if budget.samples is not None and used == budget.limit(available):
        return f"{used} of {available} samples, as `samples` asks."
    if referenced is not None and used == referenced:
        return f"{used} of {available} samples: as many as the reference interpreter answered in its time."
    return f"{used} of {available} samples: as many as ran in about {budget.seconds:g} s here."
