"""What the section of one case is drawn from: its figures as they were measured. The page writes them in words
(`case_view.js`), because of thousands of cases only a few are ever looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.parity.conditions import conditions, runtime_notices
from harness.report import numbers
from harness.report.microcontroller import operator_bars
from harness.report.reproduce import locate_command, reproduce
from harness.report.sparkline import sparkline
from harness.store.record import CaseResult, Check, OperatorTime, RunRecord, SteadyState

EDGES = {
    "conversion": "The converted model in the reference interpreter, against TensorFlow float32",
    "runtime": "This target, against the reference interpreter on the same file",
    "end to end": "This target, against TensorFlow float32",
}

COMPARED = {
    "Error": "Size of the error relative to the size of the signal, both root mean square",
    "SQNR dB": "Signal to quantisation noise in decibels: 20 dB is an error of 10 %, 40 dB of 1 %, 60 dB of 0.1 %",
    "Max abs": "The largest absolute difference",
    "Mean abs": "The mean absolute difference",
    "RMSE": "Root mean square of the differences",
    "Cosine": "Cosine of the angle between both outputs: 1 is the same direction",
    "Top 1": "Share of inputs with the same first choice",
    "Top 5": "Share of inputs whose five first choices agree",
    "LSB": "The largest difference of stored whole numbers: 1 is the smallest step that the file can express",
    "Differing": "Share of stored values that are not equal",
    "Would pass at": "The smallest tolerance (absolute and relative alike) at which every value would have passed",
}
"""The figures of a comparison and what they mean."""

STEADY_STATES = {
    SteadyState.FLAT: "steady from the start",
    SteadyState.WARMUP: "steady after warm-up",
    SteadyState.SLOWDOWN: "became slower, then steady",
    SteadyState.NONE: "never steady: do not compare",
}

LEFT_OUT: Any = {
    "latency": {"samples_ns", "per_operator"},
    "measured": {"per_operator"},
    "artifact": {"options", "pins"},
}
"""Parts of the record that are left out: they are long and drawn as a line or as bars, or of no use to a reader."""


def case_document(record: RunRecord, case: CaseResult, *, has_history: bool, has_changes: bool) -> dict[str, Any]:
    """The case as its record has it, without what is `LEFT_OUT`. Besides: `margins` (text, one a check), `line` (the
    raw samples as a small drawing), `bars` (index, operator, instructions, share of all, width beside the longest) out
    of as many `operators`, `times` (operator, shape, count, milliseconds, share, width) out of as many `timed`, the
    `conditions` of its comparison in sentences with what the runtime said of itself, the `command` that measures it
    again, the `machine` in words, and, where outputs are wrong, the command that says which operator is at fault
    (`inside`)."""
    machine = record.machine_of(case).in_words
    line = sparkline(case.latency) if case.latency else None
    return {
        **case.model_dump(exclude=LEFT_OUT),
        "margins": [margin(check) for check in case.checks],
        "line": vars(line) if line else None,
        "bars": [
            [bar.cost.index, bar.cost.operator, bar.cost.instructions, bar.share, bar.width]
            for bar in operator_bars(case)
        ],
        "times": time_bars(case.latency.per_operator) if case.latency else [],
        "timed": len(case.latency.per_operator) if case.latency else 0,
        "conditions": (*(conditions(case.parity) if case.parity else ()), *runtime_notices(case.measured.details)),
        "operators": len(case.measured.per_operator),
        "command": reproduce(case),
        "machine": f"{case.place}: {machine}" if case.place else machine,
        "inside": locate_command(case, [check for check in case.checks if not check.passed]),
        "hasHistory": has_history,
        "hasChanges": has_changes,
    }


MOST_TIMES = 40


def time_bars(times: Sequence[OperatorTime]) -> list[list[Any]]:
    """The kinds of operator that take most time, the largest first."""
    total = sum(one.milliseconds for one in times) or 1.0
    longest = max((one.milliseconds for one in times), default=0.0) or 1.0
    return [
        [
            one.operator,
            one.shape,
            one.count,
            one.milliseconds,
            one.milliseconds / total,
            max(0.0, one.milliseconds / longest),
        ]
        for one in sorted(times, key=lambda one: -one.milliseconds)[:MOST_TIMES]
    ]


def margin(check: Check) -> str:
    """How far the figure is from its limit, and on which side.

    A check does not say whether its limit is an upper or a lower one. Whether it passed tells on which side the figure
    is."""
    if check.measured is None or check.limit is None:
        return "–"
    distance = abs(check.measured - check.limit)
    if distance == 0:
        return "exactly at the limit"
    side = "inside" if check.passed else "beyond"
    if check.limit == 0:
        return f"{numbers.significant(distance)} {side}"
    return f"{numbers.significant(distance / abs(check.limit) * 100, 2)} % {side}"
