"""What a model takes on a microcontroller: instructions, flash, RAM, arena, and where the instructions go."""

from __future__ import annotations

from dataclasses import dataclass

from harness.store.record import CaseResult, OperatorCost, RunRecord

FIGURES = ("instructions", "flash_bytes", "ram_bytes", "arena_bytes")
MOST_OPERATORS = 40


@dataclass(frozen=True)
class OperatorBar:
    cost: OperatorCost
    share: float
    """Of all instructions."""
    width: float
    """Of the longest bar."""


@dataclass(frozen=True)
class Budget:
    """One case with figures of a microcontroller."""

    case: CaseResult
    bars: tuple[OperatorBar, ...]
    """In the order of execution; only the costliest where there are very many."""
    operators: int


def budgets(record: RunRecord) -> list[Budget]:
    return [_budget(case) for case in record.cases if any(name in case.measured.figures for name in FIGURES)]


def _budget(case: CaseResult) -> Budget:
    costs = case.measured.per_operator
    total = sum(cost.instructions for cost in costs) or 1
    longest = max((cost.instructions for cost in costs), default=0) or 1
    shown = sorted(costs, key=lambda cost: -cost.instructions)[:MOST_OPERATORS]
    bars = tuple(
        OperatorBar(cost, cost.instructions / total, cost.instructions / longest)
        for cost in sorted(shown, key=lambda cost: cost.index)
    )
    return Budget(case, bars, len(costs))
