"""What each variant of a model costs and saves: one point per artifact, however many targets ran it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.report import numbers
from harness.store.record import CaseResult


@dataclass(frozen=True)
class TradeOff:
    variant: str
    families: str
    """The target families that open this artifact: two formats may share the name of a variant."""
    bytes: int
    error: float | None
    """Relative error of the conversion; none where it cannot be told."""
    label: str
    """What to write beside the point; several variants where they would lie on one another, empty at the others."""


def trade_offs(cases: Iterable[CaseResult]) -> list[TradeOff]:
    """The artifacts of one model, in the order of the record."""
    groups: dict[str, list[CaseResult]] = {}
    for case in cases:
        if case.artifact and case.parity:
            groups.setdefault(case.artifact.key, []).append(case)
    points = [_point(members) for members in groups.values()]
    return _labelled(points)


def _point(cases: list[CaseResult]) -> TradeOff:
    first = cases[0]
    assert first.artifact is not None, "only cases with an artifact are grouped"
    assert first.parity is not None, "only compared cases are grouped"
    families = ", ".join(dict.fromkeys(case.target.rpartition("/")[0] for case in cases))
    return TradeOff(
        first.variant, families, first.artifact.bytes, numbers.worst_error(first.parity.conversion), first.variant
    )


def _labelled(points: list[TradeOff]) -> list[TradeOff]:
    """Names that would be written over one another become one name, at the first of the points."""
    groups: list[list[TradeOff]] = []
    for point in points:
        near = next((group for group in groups if _near(group[0], point, points)), None)
        if near is None:
            groups.append([point])
        else:
            near.append(point)
    labels = {id(group[0]): ", ".join(_names(group, points)) for group in groups}
    return [
        TradeOff(point.variant, point.families, point.bytes, point.error, labels.get(id(point), "")) for point in points
    ]


def _names(group: list[TradeOff], everything: list[TradeOff]) -> list[str]:
    """The variants of `group`; with the family where another file of that name lies elsewhere in the chart."""
    elsewhere = {point.variant for point in everything if point not in group}
    return list(
        dict.fromkeys(
            f"{point.variant} ({point.families})" if point.variant in elsewhere else point.variant for point in group
        )
    )


def _near(one: TradeOff, other: TradeOff, everything: list[TradeOff]) -> bool:
    span = max(point.bytes for point in everything) - min(point.bytes for point in everything)
    if abs(one.bytes - other.bytes) > 0.25 * span:
        return False
    if not one.error or not other.error:
        return one.error == other.error
    return 0.4 < one.error / other.error < 2.5
