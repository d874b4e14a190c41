"""Who is wrong, where a reference interpreter disagrees with the golden or with a target: decided by what others give.

Nothing is known of any interpreter beforehand. Each other one has a vote; those that share kernels and give the same
bytes share a vote, as they may err together. TensorFlow's own outputs, where there are any, have one as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.model import Tensors

Standing = Literal["confirmed", "outvoted", "disputed"]


@dataclass(frozen=True)
class Witness:
    """One interpreter and its stored outputs. `kernels` says whose kernels it runs: equal for those that share them."""

    name: str
    kernels: int
    outputs: Tensors
    faithful: bool
    """Whether it keeps to the limits of the conversion edge, against TensorFlow's own outputs. False if there are
    none."""


@dataclass(frozen=True)
class Decision:
    """`majority`: those that agree with each other against the reference, in their order; empty unless they outvote it
    or nobody can tell."""

    standing: Standing
    majority: tuple[str, ...] = ()
    supporters: tuple[str, ...] = ()


def decide(
    reference: Witness, others: Sequence[Witness], agree: Callable[[Tensors, Tensors], bool], *, has_golden: bool
) -> Decision:
    """Whether the reference stands.

    `agree(actual, expected)`: whether two interpreters keep to the limits of the runtime edge. The reference is
    outvoted where those that agree with each other against it have more votes than it has with those that agree with
    it; TensorFlow's vote goes to whichever side alone is faithful to it. With as many votes on both sides it is
    disputed.
    """
    supporters = [one for one in others if agree(one.outputs, reference.outputs)]
    against = _largest_group([one for one in others if one not in supporters], agree)
    if not against:
        return Decision("confirmed", supporters=tuple(one.name for one in supporters))
    votes_for, votes_against = 1 + votes(supporters), votes(against)
    if has_golden and reference.faithful != (faithful := all(one.faithful for one in against)):
        votes_for, votes_against = votes_for + (not faithful), votes_against + faithful
    names = tuple(one.name for one in against)
    supported_by = tuple(one.name for one in supporters)
    if votes_against > votes_for:
        return Decision("outvoted", names, supported_by)
    return Decision("disputed" if votes_against == votes_for else "confirmed", names, supported_by)


def votes(witnesses: Sequence[Witness]) -> int:
    """How many they are, those with the same kernels and the same bytes counted once."""
    counted: list[Witness] = []
    for one in witnesses:
        if not any(one.kernels == other.kernels and same(one.outputs, other.outputs) for other in counted):
            counted.append(one)
    return len(counted)


def same(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two sets of outputs are equal to the byte."""
    return one.keys() == other.keys() and all(
        np.asarray(one[name]).tobytes() == np.asarray(other[name]).tobytes() for name in one
    )


def _largest_group(witnesses: Sequence[Witness], agree: Callable[[Tensors, Tensors], bool]) -> list[Witness]:
    """The most of them that agree with the first of their group; the earlier one of two of a size."""
    groups = [[other for other in witnesses if other is one or agree(other.outputs, one.outputs)] for one in witnesses]
    return max(groups, key=votes, default=[])
