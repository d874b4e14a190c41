"""How long each piece of work took here last time, and how long it may take where nobody knows.

What is kept decides the order of work and the time that is said to be left, and nothing that is measured: a file that
is missing or damaged costs a worse guess.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from harness.case_name import CaseName
from harness.store.runs import write_atomically
from harness.target import Target

USUAL_SECONDS: Mapping[str, float] = {
    "prepare": 5.0,
    "convert": 4.0,
    "reference": 2.0,
    "processor": 1.0,
    "browser": 3.0,
    "emulator": 2.0,
    "board": 10.0,
}
"""Seconds of a stage, or of comparing a case on a target that takes a slot of this kind: the zoo's medians."""
RENDERED = 4.0
"""Factor by which the work takes longer with a software renderer."""
CACHED_SECONDS = 0.1
SLOW_SECONDS = 10.0
"""A step that is expected to take longer leaves a worker to the quick ones."""


class StepDurations:
    """Seconds by the name of a piece of work, kept in the file `costs.json` of the cache."""

    def __init__(self, cache: Path) -> None:
        self.path = cache / "costs.json"
        self.known: dict[str, float] = {}
        try:
            read = json.loads(self.path.read_text(encoding="utf-8"))
            self.known = {str(name): float(seconds) for name, seconds in read.items() if float(seconds) >= 0.0}
        except (OSError, ValueError, TypeError, AttributeError):
            pass
        self.learnt: dict[str, float] = {}

    def of_stage(self, stage: str, name: str) -> float:
        """Seconds that preparing, converting or running the reference takes; `name` says of what."""
        return self.known.get(f"{stage} {name}", USUAL_SECONDS[stage])

    def of_case(self, name: CaseName, target: Target) -> float:
        """Seconds that comparing a case takes: as it did, else as the target's other cases did."""
        exact = self.known.get(f"compare {name}")
        if exact is not None:
            return exact
        others = [seconds for key, seconds in self.known.items() if key.endswith(f"/{target.name}")]
        if others:
            return median(others)
        return USUAL_SECONDS[target.slot] * (RENDERED if target.simulated and target.slot == "browser" else 1.0)

    def knows(self, name: CaseName) -> bool:
        """Whether that case was compared here before."""
        return f"compare {name}" in self.known

    def learn(self, work: str, seconds: float) -> None:
        """What `work` (`compare …`, `convert …`) took just now. What came from a cache in no time teaches nothing."""
        if seconds > CACHED_SECONDS:
            self.learnt[work] = round(seconds, 3)

    def keep(self) -> None:
        """Write down what was learnt. A disk that is full keeps nothing, and nothing is lost by it."""
        if not self.learnt:
            return
        try:
            write_atomically(self.path, json.dumps(self.known | self.learnt, sort_keys=True, indent=0))
        except OSError:
            return


def in_words(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h 5 min`: a forecast is no better than that."""
    if seconds < 90.0:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60.0)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
