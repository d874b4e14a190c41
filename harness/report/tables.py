"""A run as tables in the terminal: short, worst first. Rich is imported on use, so that `--help` stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.report import numbers
from harness.report.outcomes import LABELS, WORST_FIRST, FailureGroup, group_failures, severity
from harness.report.reproduce import locate_command
from harness.report.summary import verdict, warnings
from harness.store.record import CaseResult, Outcome, RunRecord, SteadyState

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

MOST_ROWS = 30
"""A terminal is for the worst; the page shows everything."""

TONES = {"good": "bold green", "bad": "bold red", "open": "bold yellow"}

COUNTS = {"instructions": "Instructions", "cycles": "Cycles"}
"""Figures of one inference that have a column where there are any."""


def show(record: RunRecord, results: Path = Path()) -> RenderableType:
    """The verdict, what limits trust in it, everything that did not pass, and the counts per model. `results`: the
    folder that logs are below."""
    from rich.console import Group
    from rich.text import Text

    judgement = verdict(record)
    parts: list[RenderableType] = [
        Text(f"{judgement.symbol} {judgement.headline}", style=TONES[judgement.tone]),
        Text(judgement.detail),
        *(Text(f"! {warning}", style="yellow") for warning in warnings(record)),
    ]
    troubled = group_failures(record.cases)
    if troubled:
        parts += [Text(), _not_passed(troubled[:MOST_ROWS], results)]
        if len(troubled) > MOST_ROWS:
            parts.append(Text(f"… and {len(troubled) - MOST_ROWS:,} more: `harness report` shows all.", style="dim"))
    inside = _look_inside(troubled)
    if inside is not None:
        parts += [Text(), Text(f"Which operator? {inside}")]
    if record.cases:
        parts += [Text(), _per_model(record)]
    return Group(*parts)


def _look_inside(groups: list[FailureGroup]) -> str | None:
    """The command for the worst case whose outputs are wrong."""
    cases = (case for group in groups for case in group.cases if group.outcome is Outcome.FAILED)
    commands = (locate_command(case, [check for check in case.checks if not check.passed]) for case in cases)
    return next((command for command in commands if command is not None), None)


def compare(record: RunRecord, model: str) -> RenderableType:
    """One model on every target: outcome, latency, both errors, size; per variant (and place) the fastest first."""
    from rich.text import Text

    table = _table(title=Text(f"{model}: targets side by side"))
    for heading in ("Target", "Outcome"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Median (95 % interval)", "Conversion error", "Runtime error", "Size"):
        table.add_column(heading, justify="right")
    cases = sorted((case for case in record.cases if case.model == model), key=_by_variant_then_speed)
    counted = [name for name in COUNTS if any(name in case.measured.figures for case in cases)]
    for name in counted:
        table.add_column(COUNTS[name], justify="right")
    variant = None
    for case in cases:
        if case.variant != variant:
            table.add_section()
            table.add_row(Text(case.variant, style="bold"))
            variant = case.variant
        parity = case.parity
        table.add_row(
            Text(f"  {case.target}"),
            _outcome(case.outcome),
            _latency(case),
            numbers.error_text(parity.conversion) if parity else "–",
            numbers.error_text(parity.runtime) if parity else "–",
            numbers.byte_size(case.artifact.bytes) if case.artifact else "–",
            *(_count(case, name) for name in counted),
        )
    if not table.row_count:
        return Text(f"The run {record.id} holds no case of the model {model}.")
    return table


def _count(case: CaseResult, name: str) -> str:
    """The count of one inference, with a mark where it may differ from run to run."""
    figure = case.measured.figures.get(name)
    if figure is None:
        return "–"
    return f"{figure:,}" if name in case.measured.exact else f"≈ {figure:,}"


def _by_variant_then_speed(case: CaseResult) -> tuple[str, bool, str, float]:
    """Simulated rows come last: their milliseconds are not on the same scale. Nor are those of two places."""
    return case.variant, case.simulated, case.place, case.latency.median_ms if case.latency else float("inf")


def _latency(case: CaseResult) -> str:
    """The median with its interval, and beside it whatever forbids comparing it."""
    if case.latency is None:
        return "–"
    marks = [" simulated"] * case.simulated + [" never steady"] * (case.latency.state is SteadyState.NONE)
    interval = numbers.interval(case.latency.median_interval)
    return f"{numbers.milliseconds(case.latency.median_ms)} ({interval}){','.join(marks)}"


def _not_passed(groups: list[FailureGroup], results: Path) -> Table:
    from rich.text import Text

    table = _table()
    for heading in ("Outcome", "Model", "Variant", "Target", "Reason"):
        table.add_column(heading, overflow="fold")
    for group in groups:
        # `Text`, because a reason may hold square brackets that Rich would take for markup.
        table.add_row(
            _outcome(group.outcome),
            Text(_few(group.models, "models")),
            Text(_few(group.variants, "variants")),
            Text(_few(group.targets, "targets")),
            Text(" ".join([group.reason, *_log(group, results)])),
        )
    return table


def _log(group: FailureGroup, results: Path) -> list[str]:
    """Where the first of a group's logs is."""
    if not group.logs:
        return []
    more = f" and {len(group.logs) - 1} more beside it" if len(group.logs) > 1 else ""
    return [f"(full log: {results / group.logs[0]}{more})"]


def _few(names: tuple[str, ...], noun: str) -> str:
    return ", ".join(names) if len(names) <= 2 else f"{len(names)} {noun}"


def _per_model(record: RunRecord) -> Table:
    from rich.text import Text

    present = [outcome for outcome in WORST_FIRST if any(case.outcome is outcome for case in record.cases)]
    table = _table()
    table.add_column("Model", overflow="fold")
    for outcome in present:
        table.add_column(LABELS[outcome].word, justify="right")
    models = dict.fromkeys(case.model for case in record.cases)
    by_model = {model: [case.outcome for case in record.cases if case.model == model] for model in models}
    for model, outcomes in sorted(by_model.items(), key=lambda item: min(severity(outcome) for outcome in item[1])):
        counts = [outcomes.count(outcome) for outcome in present]
        table.add_row(
            Text(model),
            *(
                Text(str(number) if number else "·", style=LABELS[outcome].style if number else "dim")
                for outcome, number in zip(present, counts, strict=True)
            ),
        )
    return table


def _table(title: Text | None = None) -> Table:
    from rich import box
    from rich.table import Table

    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _outcome(outcome: Outcome) -> Text:
    from rich.text import Text

    label = LABELS[outcome]
    return Text(f"{label.symbol} {label.word}", style=label.style)
