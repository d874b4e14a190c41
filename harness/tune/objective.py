"""What a search makes as small as it can: the figure of one candidate over all targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.report import numbers
from harness.store.record import CaseResult

MEMORY = ("ram_bytes", "arena_bytes", "peak_memory_bytes")
"""Figures that count as memory. The first that a target tells is used."""


@dataclass(frozen=True)
class Objective:
    """One objective. `of` gives a case's own figure, None where the target tells none; `text` says it to people."""

    name: str
    noun: str
    of: Callable[[CaseResult], float | None]
    text: Callable[[float], str]
    told_by: str
    """Which targets tell the figure, for those who named none of them."""

    @property
    def by_size(self) -> bool:
        """Whether the figure is the artifact's bytes, which are known before anything runs."""
        return self.name == "size"

    def figure(self, cases: Sequence[CaseResult]) -> float | None:
        """One figure for all targets: their geometric mean, so that each counts by shares and none by its unit; None
        where no target tells any."""
        found = [value for case in cases if (value := self.of(case)) is not None]
        if not found:
            return None
        if self.by_size:
            return found[0]
        return math.exp(sum(math.log(max(value, 1e-9)) for value in found) / len(found))


def _bytes(case: CaseResult) -> float | None:
    return float(case.artifact.bytes) if case.artifact is not None else None


def _latency(case: CaseResult) -> float | None:
    return case.latency.median_ms if case.latency is not None else None


def _instructions(case: CaseResult) -> float | None:
    value = case.measured.figures.get("instructions")
    return float(value) if value is not None else None


def _memory(case: CaseResult) -> float | None:
    return next((float(case.measured.figures[name]) for name in MEMORY if name in case.measured.figures), None)


OBJECTIVES: Mapping[str, Objective] = {
    one.name: one
    for one in (
        Objective("size", "size", _bytes, lambda value: numbers.byte_size(round(value)), "every target"),
        Objective(
            "latency", "median time", _latency, numbers.milliseconds, "targets that are timed (`tflite/litert-…`)"
        ),
        Objective(
            "instructions",
            "instructions",
            _instructions,
            lambda value: numbers.whole(round(value)),
            "boards (`mcu/…`) and phones' cores (`tflite/arm64-…`)",
        ),
        Objective(
            "ram",
            "memory",
            _memory,
            lambda value: numbers.byte_size(round(value)),
            "boards (`mcu/…`), `tflm/host` and phones' cores (`tflite/arm64-…`)",
        ),
    )
}
