"""The verdict on a run in one sentence, and what limits trust in its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.case_name import runtime_of
from harness.report.outcomes import LABELS, WRONG, count
from harness.store.record import CaseResult, ModelSummary, Outcome, RunRecord, SteadyState

BUSY_LOAD_PER_CORE = 0.5
"""Share of the cores that others use, above which wall-clock figures are worth little."""


@dataclass(frozen=True)
class RunVerdict:
    """`tone` decides symbol and colour; `headline` says it in a few words, `detail` in one sentence."""

    tone: Literal["good", "bad", "open"]
    headline: str
    detail: str

    @property
    def symbol(self) -> str:
        return {"good": "✓", "bad": "✗", "open": "!"}[self.tone]


def plural(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is not one."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def counts_in_words(cases: tuple[CaseResult, ...]) -> str:
    """How many cases ended in which outcome, as words of a sentence."""
    return ", ".join(f"{number:,} {LABELS[outcome].word.lower()}" for outcome, number in count(cases).items())


def verdict(record: RunRecord) -> RunVerdict:
    """The run in one sentence. It states what was found; whether that blocks a release is the gate's policy."""
    total = len(record.cases)
    counts = count(record.cases)
    wrong = sum(counts.get(outcome, 0) for outcome in WRONG)
    passed = counts.get(Outcome.PASSED, 0)
    unjudged = total - wrong - passed
    detail = f"{plural(total, 'case')}: {counts_in_words(record.cases)}."
    if wrong:
        verb = "goes" if wrong == 1 else "go"
        return RunVerdict("bad", f"{wrong:,} of {plural(total, 'case')} {verb} wrong", detail)
    if total == 0:
        return RunVerdict("open", "Nothing was measured", "The run holds no case.")
    if record.status == "interrupted":
        return RunVerdict("open", "Nothing wrong so far, but the run is not finished", detail)
    if passed == 0:
        return RunVerdict("open", "Nothing could be judged", detail)
    if unjudged:
        return RunVerdict(
            "good", f"Every case that could run here passed; {plural(unjudged, 'case')} could not be judged", detail
        )
    return RunVerdict("good", "Every case passed", detail)


def warnings(record: RunRecord) -> list[str]:
    """What limits the trust in this run, one sentence each, the gravest first."""
    found: list[str] = []
    if record.status == "interrupted":
        found.append("The run was interrupted: cases are missing. The same command goes on where it stopped.")
    found.extend(_load(record))
    ran = (case for case in record.cases if case.outcome is not Outcome.UNAVAILABLE)
    simulated = sorted({runtime_of(case.target) for case in ran if case.simulated})
    if simulated:
        found.append(
            "Emulators or software renderers, marked “simulated”: "
            + ", ".join(simulated)
            + ". Their answers count; their milliseconds say nothing about real hardware."
        )
    restless = [case.id for case in record.cases if case.latency and case.latency.state is SteadyState.NONE]
    if restless:
        found.append(
            f"{plural(len(restless), 'timing')} never became steady, marked “never steady”: "
            "do not compare these medians."
        )
    found += _untested_signatures(record)
    if record.commit is None:
        found.append("The commit is not known: the run was not started in a git work tree.")
    elif "+" in record.commit:
        found.append("Files differed from the commit: this run cannot be repeated from the commit alone.")
    return found


def _load(record: RunRecord) -> list[str]:
    """Judged by the load at the start alone: later the harness itself is the load. Figures of an earlier run were not
    made under it."""
    timed_now = (case for case in record.cases if case.latency and case.reused_from is None)
    machines = {case.place: record.machine_of(case) for case in timed_now}
    return [
        f"{f'The machine of {place}' if place else 'The machine'} was busy (load average {machine.load_average:.1f} on "
        f"{plural(machine.cores, 'core')}): latencies may be too high; answers and sizes are not affected."
        for place, machine in machines.items()
        if machine.load_average > BUSY_LOAD_PER_CORE * machine.cores
    ]


def _untested_signatures(record: RunRecord) -> list[str]:
    """The signatures that no model of the run names, of files with several signatures."""
    tested = {(_files(model), model.signature) for model in record.models}
    return [
        f"Of {model.name} the signature '{model.signature}' was tested, and not {', '.join(left)}: name each with"
        ' `signature = "…"` in a [models.NAME] of its own.'
        for model in record.models
        if (left := [name for name in model.untested_signatures if (_files(model), name) not in tested])
    ]


def _files(model: ModelSummary) -> str:
    return str(sorted(model.loaded.files.items())) if model.loaded else model.name
