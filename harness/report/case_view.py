"""What the section of one case shows, computed from its result alone."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from harness.report import numbers
from harness.report.microcontroller import OperatorBar, operator_bars
from harness.report.sparkline import Sparkline, sparkline
from harness.store.record import CaseResult, Check, Comparison, Parity

EDGES = {
    "conversion": "The converted model in the reference interpreter, against TensorFlow float32",
    "runtime": "This target, against the reference interpreter on the same file",
    "end to end": "This target, against TensorFlow float32",
}


@dataclass(frozen=True)
class CheckRow:
    check: Check
    measured: str
    limit: str
    margin: str


@dataclass(frozen=True)
class CaseView:
    case: CaseResult
    checks: tuple[CheckRow, ...]
    edges: tuple[tuple[str, tuple[Comparison, ...]], ...]
    sparkline: Sparkline | None
    command: str
    error: str
    """The worst end-to-end error in words, for the line that stands for the whole case."""
    bars: tuple[OperatorBar, ...]
    """Where the instructions go, where they were counted."""


def case_view(case: CaseResult) -> CaseView:
    return CaseView(
        case=case,
        checks=tuple(_check_row(check) for check in sorted(case.checks, key=lambda check: check.passed)),
        edges=_edges(case.parity),
        sparkline=sparkline(case.latency) if case.latency else None,
        command=command(case),
        error=numbers.error_words(case.parity.end_to_end) if case.parity else "–",
        bars=operator_bars(case),
    )


def command(case: CaseResult) -> str:
    """The line that measures this case again."""
    words = ["harness", "run", "--model", case.model, "--variant", case.variant, "--target", case.target, "--fresh"]
    return shlex.join(words)


def margin(check: Check) -> str:
    """How far the figure is from its limit, on which side. A check does not say whether its limit is the upper or the
    lower one, and need not: whether it passed says on which side the figure lies."""
    if check.measured is None or check.limit is None:
        return "–"
    distance = abs(check.measured - check.limit)
    if distance == 0:
        return "exactly at the limit"
    side = "inside" if check.passed else "beyond"
    if check.limit == 0:
        return f"{numbers.significant(distance)} {side}"
    return f"{numbers.significant(distance / abs(check.limit) * 100, 2)} % {side}"


def _check_row(check: Check) -> CheckRow:
    return CheckRow(check, numbers.optional(check.measured), numbers.optional(check.limit), margin(check))


def _edges(parity: Parity | None) -> tuple[tuple[str, tuple[Comparison, ...]], ...]:
    if parity is None:
        return ()
    return tuple(zip(EDGES, (parity.conversion, parity.runtime, parity.end_to_end), strict=True))
