"""Two sides whose instructions are counted: exact figures need no clock, no turns and no interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from harness.ab.block_plan import DEFAULT_PLAN
from harness.ab.side import Side
from harness.errors import Unsupported
from harness.target import Footprint

CountVerdict = Literal["more", "fewer", "alike"]
INSTRUCTIONS = "instructions"


@dataclass(frozen=True)
class Counted:
    """Instructions of one inference on each side; `exact` where both are equal at every run.

    `verdict`: *more* where the new side takes more than the old one by over `margin`, a share; *fewer* the other way
    round; *alike* otherwise.
    """

    old: int
    new: int
    exact: bool
    margin: float
    cautions: tuple[str, ...] = ()

    @property
    def ratio(self) -> float:
        return self.new / self.old if self.old else 1.0

    @property
    def verdict(self) -> CountVerdict:
        if self.new > self.old * (1.0 + self.margin):
            return "more"
        return "fewer" if self.new * (1.0 + self.margin) < self.old else "alike"


def count_sides(
    old: Side, new: Side, inputs: Mapping[str, NDArray[Any]], margin: float | None, growth: float
) -> Counted:
    """Count an inference of the first of real `inputs` on either side. Without a `margin`, exact figures are held to
    `growth`, a share, and others to what times are held to. Raises a `CaseError`."""
    footprints = [_footprint(side, inputs) for side in (old, new)]
    figures = [footprint.figures[INSTRUCTIONS] for footprint in footprints]
    exact = all(INSTRUCTIONS in footprint.exact for footprint in footprints)
    cautions = tuple(
        f"{side.label}: {footprint.details[INSTRUCTIONS]}."
        for side, footprint in zip((old, new), footprints, strict=True)
        if INSTRUCTIONS not in footprint.exact and INSTRUCTIONS in footprint.details
    )
    allowed = margin
    if allowed is None:
        allowed = growth if exact else DEFAULT_PLAN.margin
    return Counted(figures[0], figures[1], exact, allowed, cautions)


def _footprint(side: Side, inputs: Mapping[str, NDArray[Any]]) -> Footprint:
    with side.target.open(side.artifact) as session:
        session.infer(side.stored(inputs))
        footprint = session.footprint()
    if INSTRUCTIONS not in footprint.figures:
        reason = footprint.details.get(INSTRUCTIONS, "it has neither a clock nor a counter")
        raise Unsupported(f"{side.target.name} has no figure to compare: {reason}.")
    return footprint
