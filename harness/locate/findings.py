"""Turns compared tensors into the operator at fault."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.artifact import TensorInfo
from harness.gate.judge import EdgeRules, judge_edge
from harness.gate.policy import Edge
from harness.operator_outputs import INNER_PREFIX, OperatorNode
from harness.store.record import Check, Comparison

_WORTH_SAYING_DB = 20 * math.log10(2)
"""An error that doubled, relative to what carries it."""


@dataclass(frozen=True)
class OperatorResult:
    """One result of one operator beside what it should be."""

    operation: OperatorNode
    result: TensorInfo
    shape: tuple[int, ...]
    comparison: Comparison
    broken: tuple[Check, ...]
    """The rules that the case's outputs are held to and that this result breaks."""
    lost_db: float | None
    """Decibels by which the result's SQNR is below the lowest SQNR of its operator's inputs. Null if one of the two is
    without error."""
    introduces: bool
    """Whether the result differs and nothing that its operator reads does."""

    @property
    def is_output(self) -> bool:
        """Whether it is an output of the model itself, and not an inner result that was exposed."""
        return not self.result.name.startswith(INNER_PREFIX)

    @property
    def differs(self) -> bool:
        return not self.comparison.finite or bool(self.comparison.max_abs)


@dataclass(frozen=True)
class EdgeFinding:
    """The results of all operators on one edge of a case."""

    edge: Edge
    against: str
    seen: tuple[OperatorResult, ...]
    """Results in the order of execution."""
    unseen: int
    """Results that could not be looked at."""
    notes: tuple[str, ...] = ()
    before: str = ""
    """What was wrong before any target ran it."""
    outputs_alone: bool = False
    """The other side shows its outputs and nothing of its inside, so that no operator can be named."""

    @property
    def exact(self) -> bool:
        """Whether nothing that was seen differs."""
        return self.first_differing is None

    @property
    def first_broken(self) -> OperatorResult | None:
        """The operator at fault: all that ran before it keeps to the limits."""
        return next((seen for seen in self.seen if seen.broken), None)

    @property
    def outputs_hold(self) -> bool:
        """Whether some of the model's own outputs were seen and none of those breaks a rule."""
        outputs = [seen for seen in self.seen if seen.is_output]
        return bool(outputs) and not any(seen.broken for seen in outputs)

    @property
    def first_differing(self) -> OperatorResult | None:
        return next((seen for seen in self.seen if seen.differs), None)

    @property
    def largest_loss(self) -> OperatorResult | None:
        """The result that loses most decibels against what its operator reads; None where none loses at least 6 dB."""
        losing = [seen for seen in self.seen if seen.lost_db is not None and seen.lost_db >= _WORTH_SAYING_DB]
        return max(losing, key=lambda seen: seen.lost_db or 0.0, default=None)


def findings(
    rules: EdgeRules,
    operations: Sequence[OperatorNode],
    comparisons: Mapping[str, Comparison],
    shapes: Mapping[str, tuple[int, ...]],
    with_exceptions: Callable[[Check], Check] = lambda check: check,
) -> tuple[OperatorResult, ...]:
    """Each compared result with the rules that it breaks and what it loses. `comparisons`: result name → figures;
    `shapes`: result name → (samples, *shape); `with_exceptions`: a check as the policy's exceptions leave it."""
    seen = []
    for operation in operations:
        before = [comparisons[name] for name in operation.reads if name in comparisons]
        for info in operation.results:
            comparison = comparisons.get(info.name)
            if comparison is None:
                continue
            own_integers = (
                {comparison.output} if info.quantisation is None and not info.dtype.startswith("float") else ()
            )
            checks = judge_edge(rules, [comparison], shapes[info.name][0], own_integers=own_integers)
            broken = tuple(check for check in map(with_exceptions, checks) if not check.passed)
            seen.append(
                OperatorResult(operation, info, shapes[info.name][1:], comparison, broken, *_change(comparison, before))
            )
    return tuple(seen)


def _change(comparison: Comparison, before: Sequence[Comparison]) -> tuple[float | None, bool]:
    """Decibels lost, and whether the difference begins here."""
    differs = not comparison.finite or bool(comparison.max_abs)
    earlier = [known for known in before if not known.finite or known.max_abs]
    levels = [known.sqnr_db for known in earlier if known.sqnr_db is not None and math.isfinite(known.sqnr_db)]
    lost = min(levels) - comparison.sqnr_db if levels and comparison.sqnr_db is not None else None
    return lost, differs and not earlier
