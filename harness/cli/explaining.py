"""`gate --explain CASE`: every rule that was applied to one case, where it comes from, and the margin that is left."""

from __future__ import annotations

import textwrap

from harness.cli.inventory import console
from harness.gate.judge_run import GateResult
from harness.parity.conditions import conditions
from harness.report import numbers
from harness.report.case_view import margin
from harness.store.record import Check

WIDEST = 100
"""Longer lines of prose are hard to read, however wide the terminal is."""
INDENT = "    "


def explain_case(result: GateResult) -> None:
    """Print the one case of `result`: a paragraph a rule, broken ones first."""
    (verdict,) = (found for found in result.verdicts if found.case in result.record.cases)
    case, width = verdict.case, min(console().width, WIDEST)
    held = len(verdict.checks) - len(verdict.broken)
    counts = f"{len(verdict.broken)} broken, {held} held" if verdict.broken else f"all {held} rules hold"
    print(_wrapped(f"{case.id}: {case.outcome.value}; {counts}", "", width))
    for check in sorted(verdict.checks, key=lambda check: check.passed):
        print(f"\n{_explained(check, width)}")
    for notice in (*(conditions(case.parity) if case.parity else ()), *result.notices):
        print("\n" + _wrapped(f"! {notice}", "", width, "  "))


def _explained(check: Check, width: int) -> str:
    """One rule: what it is about, the figures, what it says, and where its limit comes from."""
    lines = [f"{'✓' if check.passed else '✗'} {check.rule}  ({check.metric})"]
    if check.measured is not None or check.limit is not None:
        figures = f"measured {numbers.optional(check.measured)}, limit {numbers.optional(check.limit)}"
        room = margin(check)
        lines.append(_wrapped(figures if room == "–" else f"{figures}: {room}", INDENT, width))
    if check.message:
        lines.append(_wrapped(check.message, INDENT, width))
    lines.append(_wrapped(f"limit set by: {check.source}", INDENT, width, INDENT + "  "))
    return "\n".join(lines)


def _wrapped(text: str, indent: str, width: int, further: str | None = None) -> str:
    """`text` in lines of at most `width`, where its words allow it."""
    rest = indent if further is None else further
    return textwrap.fill(
        text, width, initial_indent=indent, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
