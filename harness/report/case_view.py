"""What the section of one case shows, computed from its result alone."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import numbers
from harness.report.microcontroller import OperatorBar, operator_bars
from harness.report.sparkline import Sparkline, sparkline
from harness.store.record import CaseResult, Check, Comparison, Latency, Parity, SteadyState

if TYPE_CHECKING:
    from markupsafe import Markup

HASH = re.compile(r"[0-9a-f]{32,}")

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
    "Differing": "Share of stored whole numbers that are not equal",
    "Would pass at": "The smallest tolerance (absolute and relative alike) at which every value would have passed",
}
"""The figures of a comparison and what they mean."""

STEADY_STATES = {
    SteadyState.FLAT: "steady from the start",
    SteadyState.WARMUP: "steady after warm-up",
    SteadyState.SLOWDOWN: "became slower, then steady",
    SteadyState.NONE: "never steady: do not compare",
}


@dataclass(frozen=True)
class CheckRow:
    check: Check
    measured: str
    limit: str
    margin: str


@dataclass(frozen=True)
class ComparisonRow:
    """One output on one edge. `figures` stand in the order of `COMPARED`."""

    edge: str
    output: str
    finite: bool
    figures: tuple[str, ...]


@dataclass(frozen=True)
class CaseView:
    case: CaseResult
    checks: tuple[CheckRow, ...]
    comparisons: tuple[ComparisonRow, ...]
    timing: tuple[tuple[str, str], ...]
    """Facts of the latency: what they are called, and the figure."""
    sizes: tuple[tuple[str, object], ...]
    """Facts of the other figures that were measured."""
    origin: tuple[tuple[str, object], ...]
    """Facts of the converter, the operators and the runtime."""
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
        comparisons=_comparisons(case.parity),
        timing=_timing(case.latency) if case.latency else (),
        sizes=tuple(_sizes(case)),
        origin=tuple(_origin(case)),
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


def _comparisons(parity: Parity | None) -> tuple[ComparisonRow, ...]:
    if parity is None:
        return ()
    edges = zip(EDGES, (parity.conversion, parity.runtime, parity.end_to_end), strict=True)
    return tuple(_comparison_row(edge, one) for edge, comparisons in edges for one in comparisons)


def _comparison_row(edge: str, one: Comparison) -> ComparisonRow:
    figures = (
        numbers.error_words((one,)),
        numbers.optional(one.sqnr_db),
        numbers.optional(one.max_abs),
        numbers.optional(one.mean_abs),
        numbers.optional(one.rmse),
        numbers.cosine(one.cosine),
        numbers.share(one.top1_agreement),
        numbers.share(one.top5_agreement),
        numbers.optional(one.max_lsb),
        numbers.share(one.differing_share),
        numbers.optional(one.smallest_tolerance),
    )
    return ComparisonRow(edge, one.output, one.finite, figures)


def _timing(timing: Latency) -> tuple[tuple[str, str], ...]:
    times = {
        "p90": timing.p90_ms,
        "p99": timing.p99_ms,
        "Least": timing.min_ms,
        "First inference": timing.first_ms,
        **({} if timing.load_ms is None else {"Loading": timing.load_ms}),
    }
    return (
        ("Median", numbers.milliseconds(timing.median_ms)),
        ("95 % interval", numbers.interval(timing.median_interval)),
        *((name, numbers.milliseconds(value)) for name, value in times.items()),
        ("Counted", f"{numbers.whole(timing.iterations)}, after {numbers.whole(timing.warmup_discarded)} of warm-up"),
        ("Course", STEADY_STATES[timing.state]),
        *(() if timing.load_average is None else (("Load average", numbers.significant(timing.load_average)),)),
    )


def _sizes(case: CaseResult) -> Iterable[tuple[str, object]]:
    from markupsafe import Markup

    exact = Markup('{} <span class="soft">equal at every run</span>')
    for name, value in case.measured.figures.items():
        text = numbers.figure(name, value)
        yield numbers.figure_name(name), exact.format(text) if name in case.measured.exact else text


def _brief(text: str) -> Markup | str:
    """A hash by its beginning; the whole of it for who points at it."""
    if not HASH.fullmatch(text):
        return text
    from markupsafe import Markup

    return Markup('<code title="{}">{}</code>').format(text, text[:16])


def _origin(case: CaseResult) -> Iterable[tuple[str, object]]:
    artifact = case.artifact
    if artifact and artifact.converter:
        yield "Converted with", ", ".join(f"{name} {version}" for name, version in artifact.converter.items())
    if artifact and artifact.operators:
        yield "Operators", ", ".join(f"{number} × {name}" for name, number in artifact.operators.items())
    yield from ((name, _brief(value)) for name, value in case.fingerprint.items())
    if case.latency:
        yield from ((f"{name} (timing)", value) for name, value in case.latency.details.items())
