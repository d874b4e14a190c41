"""What each variant of a model costs and saves: one point per artifact, however many targets ran it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.report import numbers
from harness.store.record import CaseResult


@dataclass(frozen=True)
class TradeOff:
    """What one artifact costs: its bytes and its conversion error."""

    cases: tuple[CaseResult, ...]
    """Cases that ran this artifact and were compared; never empty."""
    families: tuple[str, ...]
    """The target families that open this artifact: two formats may share the name of a variant."""
    bytes: int
    error: float | None
    """Relative error of the conversion; none where it cannot be told."""

    @property
    def variant(self) -> str:
        return self.cases[0].variant


def trade_offs(cases: Iterable[CaseResult]) -> list[TradeOff]:
    """The artifacts of one model, in the order of the record."""
    groups: dict[str, list[CaseResult]] = {}
    for case in cases:
        if case.artifact and case.parity:
            groups.setdefault(case.artifact.key, []).append(case)
    return [_point(members) for members in groups.values()]


def _point(cases: list[CaseResult]) -> TradeOff:
    first = cases[0]
    assert first.artifact is not None, "only cases with an artifact are grouped"
    assert first.parity is not None, "only compared cases are grouped"
    families = tuple(dict.fromkeys(case.target.rpartition("/")[0] for case in cases))
    return TradeOff(tuple(cases), families, first.artifact.bytes, numbers.worst_error(first.parity.conversion))
