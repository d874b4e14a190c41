"""Prints what the newest run saw of each model on each target in a browser, and what drew.

    python tests/gpu/table.py results

Decibels are against the reference on the same file and against TensorFlow, of the worst output. Times are milliseconds:
the first inference, the median until the data is there, and the kernels alone by a GPU's timers, where there are such.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.store.record import CaseResult, Comparison
from harness.store.runs import RunStore

HEADINGS = ("case", "outcome", "samples", "dB", "of TensorFlow", "first", "median", "kernels")


def decibels(edge: Sequence[Comparison]) -> str:
    """Of the worst output; `equal` where all are to the bit."""
    found = [one.sqnr_db for one in edge if one.sqnr_db is not None]
    return f"{min(found):.1f}" if found else "equal" if edge else ""


def row(case: CaseResult) -> tuple[str, ...]:
    """The cells of a case, in the order of `HEADINGS`."""
    latency = case.latency
    times = ("", "", "")
    if latency is not None:
        kernels = "" if latency.kernel_ms is None else f"{latency.kernel_ms:.3f}"
        times = (f"{latency.first_ms:.1f}", f"{latency.median_ms:.2f}", kernels)
    parity = case.parity
    compared = ("", "", "")
    if parity is not None:
        compared = (str(parity.samples), decibels(parity.runtime), decibels(parity.end_to_end))
    return (f"{case.model}/{case.target}", case.outcome.value, *compared, *times)


def renderers(cases: Sequence[CaseResult]) -> list[str]:
    """What drew, by target, in the browser's own words, and what of a model ran elsewhere than was asked for."""
    found = {(case.target, case.measured.details.get("renderer", "")) for case in cases}
    notices = {
        f"{case.model}/{case.target}: {check.message}"
        for case in cases
        for check in case.checks
        if check.rule == "runtime.accelerated" and check.message
    }
    return [f"{target}: {words}" for target, words in sorted(found) if words] + sorted(notices)


def reasons(cases: Sequence[CaseResult]) -> list[str]:
    """Why cases did not pass; once each, with how many it holds for."""
    counted: dict[tuple[str, str], int] = {}
    for case in cases:
        if case.outcome.value != "passed":
            key = (case.target, case.reason)
            counted[key] = counted.get(key, 0) + 1
    return [f"{target}, {number} cases: {reason}" for (target, reason), number in sorted(counted.items())]


def table(cases: Sequence[CaseResult]) -> str:
    """All of it as text."""
    rows = [HEADINGS, *(row(case) for case in sorted(cases, key=lambda case: (case.target, case.model)))]
    widths = [max(len(one[column]) for one in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(one, widths, strict=True)).rstrip() for one in rows]
    return "\n".join([*renderers(cases), *reasons(cases), "", *lines])


if __name__ == "__main__":
    try:
        print(table(RunStore(Path(sys.argv[1])).latest().cases))
    except HarnessError as error:
        sys.exit(str(error))
