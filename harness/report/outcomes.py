"""The words, the signs and the order of the outcomes. Colour is always a third carrier, never the only one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harness.store.record import CaseResult, Outcome


@dataclass(frozen=True)
class OutcomeLabel:
    """How one outcome is shown: `css` is also the class that colours it, `style` the colour in a terminal."""

    symbol: str
    word: str
    meaning: str
    css: str
    style: str


LABELS: dict[Outcome, OutcomeLabel] = {
    Outcome.FAILED: OutcomeLabel(
        "✗", "Failed", "It ran, and its answers or its figures break a rule.", "failed", "bold red"
    ),
    Outcome.CRASHED: OutcomeLabel(
        "☇", "Crashed", "The process that held the runtime died, or a step met an unforeseen error; the rest went on.",
        "crashed", "magenta",
    ),
    Outcome.TIMED_OUT: OutcomeLabel(
        "◷", "Timed out", "It gave no answer in time and was stopped.", "timed-out", "yellow"
    ),
    Outcome.UNSUPPORTED: OutcomeLabel(
        "⊘", "Unsupported", "The runtime or the converter cannot do this model; the reason names the part.",
        "unsupported", "cyan",
    ),
    Outcome.UNAVAILABLE: OutcomeLabel(
        "○", "Unavailable", "Something is not installed on this machine, so nothing was judged.", "unavailable", "dim"
    ),
    Outcome.UNMEASURED: OutcomeLabel(
        "◌", "Unmeasured", "It ran, and no other runtime runs the model: there is nothing to hold it against.",
        "unmeasured", "blue",
    ),
    Outcome.PASSED: OutcomeLabel("✓", "Passed", "It ran, and every rule held.", "passed", "green"),
}  # fmt: skip
"""Worst first: a wrong answer given calmly is worse than a crash, which nobody can overlook."""

WORST_FIRST: tuple[Outcome, ...] = tuple(LABELS)

WRONG: frozenset[Outcome] = frozenset({Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT})
"""Outcomes that say something is broken, unlike those that say something could not be judged here."""


def severity(outcome: Outcome) -> int:
    """The rank of an outcome; 0 is the worst."""
    return WORST_FIRST.index(outcome)


def worst(cases: Iterable[CaseResult]) -> CaseResult:
    """The case with the worst outcome; the first of them where several are equal. At least one case is needed."""
    return min(cases, key=lambda case: severity(case.outcome))


def not_passed(cases: Iterable[CaseResult]) -> list[CaseResult]:
    """Everything that did not pass, worst first, otherwise in the order of the record."""
    return sorted(
        (case for case in cases if case.outcome is not Outcome.PASSED), key=lambda case: severity(case.outcome)
    )


@dataclass(frozen=True)
class FailureGroup:
    """The cases that ended alike for one reason, which are one line for a reader."""

    outcome: Outcome
    reason: str
    cases: tuple[CaseResult, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(case.target for case in self.cases))

    @property
    def logs(self) -> tuple[str, ...]:
        """The paths of their logs, below the folder of results."""
        return tuple(dict.fromkeys(case.log for case in self.cases if case.log))

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(case.model for case in self.cases))

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(case.variant for case in self.cases))


def group_failures(cases: Iterable[CaseResult]) -> list[FailureGroup]:
    """Everything that did not pass, worst first, with equal endings put together."""
    groups: dict[tuple[Outcome, str], list[CaseResult]] = {}
    for case in not_passed(cases):
        groups.setdefault((case.outcome, case.reason), []).append(case)
    return [FailureGroup(*key, tuple(members)) for key, members in groups.items()]


def count(cases: Iterable[CaseResult]) -> dict[Outcome, int]:
    """How many cases ended in each outcome, worst first. Outcomes that do not occur are left out."""
    found = Counter(case.outcome for case in cases)
    return {outcome: found[outcome] for outcome in WORST_FIRST if found[outcome]}
