"""`gate --explain CASE`: every rule that was applied to one case, where it comes from, and the margin that is left."""

from __future__ import annotations

from harness.cli.inventory import console, plain_table
from harness.gate.gate import GateResult
from harness.report import numbers
from harness.report.case_view import margin


def explain_case(result: GateResult) -> None:
    """Print the one case of `result`."""
    (verdict,) = (found for found in result.verdicts if found.case in result.record.cases)
    case, screen = verdict.case, console()
    print(
        f"{case.id}: {'every rule holds' if verdict.passed else f'{len(verdict.broken)} broken'}, {case.outcome.value}"
    )
    table = plain_table("", "rule", "figure", "measured", "limit", "margin", "limit set by")
    for check in sorted(verdict.checks, key=lambda check: check.passed):
        table.add_row(
            "✓" if check.passed else "✗",
            check.rule,
            check.metric,
            numbers.optional(check.measured),
            numbers.optional(check.limit),
            margin(check),
            check.source,
        )
    screen.print(table)
    for check in verdict.checks:
        if check.message:
            print(f"{'✓' if check.passed else '✗'} {check.rule}: {check.message}")
    for notice in result.notices:
        print(f"! {notice}")
