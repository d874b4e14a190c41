"""An assessment as people read it: what it is, its operators, its sizes, who runs what and why not, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from harness.assess.assessment import Assessment, OperatorRow, Prediction
from harness.cli.inventory import console as usual_console

CELLS = {"runs": "runs", "expected to run": "expected", "does not run": "no", "wrong": "wrong", "not known": "unknown"}
LEGEND = (
    "runs: one inference was made here. expected: its operators, kernels and memory are right; it was not started."
    " wrong: its kernels gave other values than the reference. (n): the reason below."
)
LONG = 9
"""Characters from which a variant's name takes two lines above its column."""
WIDEST = 120
"""Sentences are not set wider than this, whatever the terminal."""


class Reasons:
    """Reasons with a number each, as footnotes. The same reason is printed once, however many cells it explains."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def mark(self, reason: str) -> str:
        """` (n)`, or nothing for no reason."""
        return f" ({self.numbers.setdefault(reason, len(self.numbers) + 1)})" if reason else ""


def show(assessment: Assessment, console: Console | None = None) -> None:
    """Print an assessment as tables and sentences."""
    console = console or usual_console()
    reasons = Reasons()

    def say(text: str = "", first: str = "", after: str = "") -> None:
        width = min(console.width, WIDEST)
        lines = textwrap.wrap(text, width, initial_indent=first, subsequent_indent=after, break_on_hyphens=False)
        console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)

    def heading(text: str) -> None:
        console.print()
        console.print(text, style="bold", highlight=False)

    say(f"{assessment.model}: {assessment.recognised}")
    say(summary(assessment))
    heading("Operators of the model")
    console.print(operator_table(assessment.operators))
    if assessment.tflite_operators:
        heading("Operators of the TFLite file")
        console.print(cost_table(assessment))
    heading("Sizes")
    console.print(size_table(assessment, reasons))
    for artifact_format in dict.fromkeys(size.format for size in assessment.sizes):
        variants = [size.variant for size in assessment.sizes if size.format == artifact_format]
        told = [prediction for prediction in assessment.predictions if prediction.format == artifact_format]
        if told:
            heading(f"Who runs it as {artifact_format}")
            console.print(verdict_table(told, variants, reasons))
    console.print()
    say(LEGEND)
    absent = {
        prediction.target: prediction.missing_here for prediction in assessment.predictions if prediction.missing_here
    }
    if absent:
        parts = [part.rstrip(".") for part in dict.fromkeys(absent.values())]
        say(f"* not on this machine, which lacks {', '.join(parts[:-1]) + ' and ' if parts[1:] else ''}{parts[-1]}.")
    if reasons.numbers:
        console.print()
    for reason, number in reasons.numbers.items():
        say(reason, first=f"({number}) ", after=" " * len(f"({number}) "))
    if assessment.metadata:
        heading("Metadata")
        for key, value in assessment.metadata.items():
            say(f"{key}: {value}", after="  ")
    if assessment.notes:
        heading("Notes")
    for text in assessment.notes:
        say(text, first="• ", after="  ")
    heading("Recommendation")
    for text in assessment.recommendation:
        say(text, first="• ", after="  ")


def summary(assessment: Assessment) -> str:
    """Inputs, parameters, multiplications."""
    shapes = ", ".join(f"{i['name']} {i['dtype']} {'×'.join(map(str, i['shape']))}" for i in assessment.inputs)
    uncounted = any(not step.operator.isupper() for step in assessment.tflite_operators)
    return (
        f"inputs: {shapes}; parameters: {count(assessment.parameters)}; multiply-accumulates of an inference:"
        f" {count(assessment.macs)}{' (without those of operators that are not builtin)' if uncounted else ''}"
    )


def count(number: int | None) -> str:
    return f"{number:,}" if number is not None else "unknown"


def plain_table(first: str, *columns: str, numbers: Iterable[str] = ()) -> Table:
    """A table without lines whose first column never breaks; the columns in `numbers` are set to the right."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return table


def operator_table(rows: Iterable[OperatorRow]) -> Table:
    """Each kind of operator, and what becomes of it."""
    table = plain_table("operator", "count", "TFLite", "TF.js", numbers=("count",))
    for row in rows:
        table.add_row(row.operator, str(row.count), row.tflite, backends(row.tfjs))
    return table


def backends(answers: dict[str, str]) -> str:
    """The answers of the backends in a few words: `yes` where they agree, else who has it and who has not."""
    if len(set(answers.values())) == 1:
        (only,) = set(answers.values())
        return {"yes": "every backend", "no": "no backend", "not known": "unknown"}.get(only, only)
    groups = {"not on": "no", "unknown on": "not known"}
    has = [name for name, answer in answers.items() if answer == "yes"]
    said = [", ".join(has)] if has else []
    for words, answer in groups.items():
        names = [name for name, given in answers.items() if given == answer]
        if names:
            said.append(f"{words} {', '.join(names)}")
    return "; ".join(said)


def cost_table(assessment: Assessment) -> Table:
    """The operators of the file with their multiplications, the heaviest first."""
    table = plain_table("operator", "count", "multiply-accumulates", "share", numbers=("count", "multiply-accumulates"))
    for step in assessment.tflite_operators:
        share = f"{100 * step.macs / assessment.macs:.0f} %" if assessment.macs and step.macs else ""
        table.add_row(step.operator, str(step.count), f"{step.macs:,}" if step.macs else "", share)
    return table


def size_table(assessment: Assessment, reasons: Reasons) -> Table:
    """Bytes of each variant, or the number of the reason why there are none."""
    table = plain_table("format", "variant", "bytes", "peak activations", numbers=("bytes", "peak activations"))
    for size in assessment.sizes:
        peak = assessment.peak_activation_bytes.get(size.variant) if size.format == "tflite" else None
        told = f"{size.bytes:,}" if size.bytes is not None else f"refused{reasons.mark(size.problem)}"
        table.add_row(size.format, size.variant, told, f"{peak:,}" if peak is not None else "")
    return table


def verdict_table(predictions: list[Prediction], variants: list[str], reasons: Reasons) -> Table:
    """A row a target, a column a variant."""
    table = plain_table("target", *(name.replace("-", "-\n") if len(name) > LONG else name for name in variants))
    by_target: dict[str, dict[str, Prediction]] = {}
    for prediction in predictions:
        by_target.setdefault(prediction.target, {})[prediction.variant] = prediction
    for target, told in by_target.items():
        star = " *" if any(prediction.missing_here for prediction in told.values()) else ""
        cells = [
            f"{CELLS[told[name].verdict]}{reasons.mark(told[name].reason)}" if name in told else "" for name in variants
        ]
        table.add_row(f"{target}{star}", *cells)
    return table
