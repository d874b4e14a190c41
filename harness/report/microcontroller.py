"""What a model takes where something is counted, on a microcontroller or a phone's core under emulation: instructions
(or a board's own cycles), flash, RAM, arena, stack, heap, and where the instructions go."""

from __future__ import annotations

from dataclasses import dataclass

from harness.store.record import CaseResult, OperatorCost, RunRecord

FIGURES = ("instructions", "cycles", "flash_bytes", "ram_bytes", "arena_bytes", "stack_bytes", "heap_bytes")
MOST_OPERATORS = 40


@dataclass(frozen=True)
class OperatorBar:
    """One operator's share of the instructions, as a bar."""

    cost: OperatorCost
    share: float
    """The operator's share of all instructions."""
    width: float
    """Width as a share of the longest bar."""


@dataclass(frozen=True)
class Use:
    """How much of a board's memory of one kind is taken, in bytes."""

    what: str
    used: int
    available: int

    @property
    def share(self) -> float:
        return self.used / self.available

    @property
    def over(self) -> bool:
        return self.used > self.available


@dataclass(frozen=True)
class BoardUsage:
    """What one case takes of what its board has."""

    case: CaseResult
    uses: tuple[Use | None, Use | None]
    """Flash and RAM against the board's; none where the board's is not known."""
    bars: tuple[OperatorBar, ...]
    operators: int


def has_figures(case: CaseResult) -> bool:
    """Whether a case has any of these figures."""
    return any(name in case.measured.figures for name in FIGURES)


def budgets(record: RunRecord) -> list[BoardUsage]:
    """The budgets of all cases of a record that have such figures."""
    return [_budget(case) for case in record.cases if has_figures(case)]


def operator_bars(case: CaseResult) -> tuple[OperatorBar, ...]:
    """The operators of a case in the order of execution. Where there are very many, only the costliest are among
    them."""
    costs = case.measured.per_operator
    total = sum(cost.instructions for cost in costs) or 1
    longest = max((cost.instructions for cost in costs), default=0) or 1
    shown = sorted(costs, key=lambda cost: -cost.instructions)[:MOST_OPERATORS]
    return tuple(
        OperatorBar(cost, cost.instructions / total, cost.instructions / longest)
        for cost in sorted(shown, key=lambda cost: cost.index)
    )


def _budget(case: CaseResult) -> BoardUsage:
    uses = (_use(case, "Flash", "flash_bytes"), _use(case, "RAM", "ram_bytes"))
    return BoardUsage(case, uses, operator_bars(case), len(case.measured.per_operator))


def _use(case: CaseResult, what: str, name: str) -> Use | None:
    used, available = case.measured.figures.get(name), case.measured.figures.get(f"board_{name}")
    return Use(what, used, available) if used is not None and available else None
