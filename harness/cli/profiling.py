"""`profile`: where an inference goes, operator by operator: instructions that a record has, or else time, taken now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.artifact import Artifact
from harness.cache import Cache
from harness.case_name import CaseName
from harness.cli.ab_instructions import INSTRUCTIONS_ARE_NOT_TIME
from harness.cli.inventory import console, plain_table
from harness.cli.locating import case_of
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.conversion.golden import read_golden
from harness.conversion.prepared_model import PreparedModel
from harness.environment import environment
from harness.errors import HarnessError, Unsupported
from harness.exchange.model_explorer import BY_SHARE, opening_line, write_overlay
from harness.latency.operator_times import operator_times
from harness.paths import cache_directory, results_directory
from harness.run.exclusive import exclusive_machine
from harness.run.matrix import Case
from harness.store.record import CaseResult, RunRecord
from harness.store.runs import RunStore, parse, read_text
from harness.target import does_not_run

SECONDS = 6.0
"""Seconds for timing operators."""
MOST_ROWS = 40
"""Rows that a person reads. Of more operators the costliest are shown."""
FIGURES = ('"per_operator":[{', '"per_operator": [')
"""How a record's text shows that a case of it has figures per operator, as the harness writes it and as others may."""
_BAR = 24
"""Characters of the longest bar."""

_DIFFERENCES = (
    "Each figure is what an operator adds to the model cut before it, with the 95 % interval of the median; the first "
    "has the call itself in it. ~ marks what cannot be told from nothing."
)
_TOGETHER = (
    "All runs of an operator with results of one shape are one row; the inferences that were timed operator by "
    "operator are apart from those that the latency is of, and slower."
)


@dataclass(frozen=True)
class ProfiledOperator:
    """What an operator takes: instructions, or nanoseconds with their interval."""

    index: int
    operator: str
    value: float
    low: float | None = None
    high: float | None = None
    shape: str = ""
    """Shape of the operator's results, where `count` runs of an operator are reported together."""
    count: int = 1


@dataclass(frozen=True)
class OperatorProfile:
    """Costs of all operators of a case, in the order of execution. `source`: where the figures come from. `digest`:
    hash of the artifact that has these operators, where it is known."""

    case: str
    unit: str
    source: str
    operators: tuple[ProfiledOperator, ...]
    digest: str = ""

    @property
    def is_by_kind(self) -> bool:
        """Whether runs of an operator with results of one shape are reported together."""
        return any(cost.shape for cost in self.operators)


def profile_case(name: str, run: str | None, overlay: str | None, *, as_json: bool) -> int:
    """Print what each operator takes, and write it for Model Explorer if asked. Raises `HarnessError` where it cannot
    be found."""
    found, why = recorded_costs(name, run, RunStore(results_directory()))
    with ConsoleProgress() as progress:
        if found is not None and overlay is not None and found.is_by_kind:
            found, why = None, "it has times of kinds of operators, and an overlay is of each by itself"
        if found is None:
            found = time_operators(name, run, why, progress)
    if as_json:
        print(json.dumps(asdict(found), indent=1))
    else:
        print_costs(found)
    if overlay is not None:  # after the figures, which stand where it cannot be written
        with ConsoleProgress() as progress:
            line = write_overlay_file(found, Path(overlay), progress)
        if not as_json:
            print(line)
    return 0


def recorded_costs(name: str, run: str | None, store: RunStore) -> tuple[OperatorProfile | None, str]:
    """The instructions, or the times, in the run that is named, or in the newest that has some; else why there are
    none, as the newest run says."""
    records = [store.find(run)] if run is not None else newest_first(store, name)
    why = ""
    for record in records:
        case = next((case for case in record.cases if str(case.name) == name), None)
        if case is not None and case.measured.per_operator:
            costs = tuple(
                ProfiledOperator(cost.index, cost.operator, cost.instructions) for cost in case.measured.per_operator
            )
            digest = case.artifact.digest if case.artifact is not None else ""
            return OperatorProfile(name, "instructions", f"run {record.id}", costs, digest), ""
        if case is not None and case.latency is not None and case.latency.per_operator:
            kinds = enumerate(case.latency.per_operator)
            costs = tuple(
                ProfiledOperator(index, one.operator, one.milliseconds * 1e6, shape=one.shape, count=one.count)
                for index, one in kinds
            )
            return OperatorProfile(name, "nanoseconds", f"run {record.id}", costs), ""
        why = why or (why_none(case) if case is not None else "")
    return None, why


def newest_first(store: RunStore, name: str) -> Iterator[RunRecord]:
    """The newest record that speaks of the case, for what it says, and all before it that may have figures of its
    operators. A record that cannot be read keeps nobody from the others, and of one that has no such figures no more is
    read than its text: it takes a hundredth of the time that understanding it does."""
    case = CaseName.parse(name)
    is_newest = True
    for path in reversed(store.paths()):
        try:
            text = read_text(path)
            if f'"{case.model}"' not in text or f'"{case.target}"' not in text:
                continue
            if is_newest or any(sign in text for sign in FIGURES):
                yield parse(text, str(path))
                is_newest = False
        except HarnessError:
            continue


def why_none(case: CaseResult) -> str:
    """What a record says of figures that it has not."""
    of_time = case.latency.details.get("per_operator") if case.latency is not None else None
    return (case.measured.details.get("per_operator") or of_time or case.measured.note or case.reason).rstrip(".")


def time_operators(name: str, run: str | None, why: str, progress: ConsoleProgress) -> OperatorProfile:
    """Time the operators now. Raises `HarnessError` where the target does not do that, or a run was asked for."""
    case = case_of(name)
    if run is not None or not case.target.timed:
        where = f"the run {run}" if run is not None else "any run"
        because = f" ({why})" if why else ""
        raise HarnessError(
            f"{case.id} has no figures per operator in {where}{because}; `harness run` takes them where instructions "
            "are counted."
        )
    prepared, artifact = artifact_of(case, progress)
    case.target.require()
    case.target.prepare()
    if missing := case.target.unsupported_operators(artifact):
        raise HarnessError(does_not_run(case.target.name, missing))
    samples = artifact.stored(read_golden(prepared.golden_path).inputs, samples=1)
    progress.note(f"Timing the operators of {case.id}, for about {SECONDS:g} s …")
    with exclusive_machine(progress.note), case.target.open(artifact) as session:
        try:
            times = session.time_operators(samples, SECONDS)
        except Unsupported as error:
            raise HarnessError(f"The operators of {case.id} are not timed: {str(error).rstrip('.')}.") from error
    costs = tuple(
        ProfiledOperator(one.index, one.operator, one.nanoseconds, one.low, one.high) for one in operator_times(times)
    )
    return OperatorProfile(name, "nanoseconds", f"{len(times.times_ns)} rounds now", costs, artifact.digest)


def artifact_of(case: Case, progress: ConsoleProgress) -> tuple[PreparedModel, Artifact]:
    """The case's model and artifact, from the cache where they are in it. Raises a `CaseError`."""
    converter = Converter(Cache(cache_directory() / "artifacts", progress.note), environment("converter"), 1)
    try:
        prepared = converter.prepare(case.model)
        return prepared, converter.convert(prepared, case.format, case.variant)
    finally:
        converter.close()


def print_costs(profile: OperatorProfile) -> None:
    """A table with bars, in the order of execution; only the costliest operators where there are very many."""
    from rich.text import Text

    costs = profile.operators
    total = sum(cost.value for cost in costs) or 1
    longest = max((cost.value for cost in costs), default=0) or 1
    print(f"{profile.case}: {_figure(profile, total)} in {len(costs)} operators ({profile.source})")
    table = plain_table("", "operator", profile.unit if profile.unit == "instructions" else "µs", "share", "")
    shown = sorted(sorted(costs, key=lambda cost: -cost.value)[:MOST_ROWS], key=lambda cost: cost.index)
    for cost in shown:
        doubtful = cost.low is not None and cost.low <= 0
        drawn = "█" * max(0, round(cost.value / longest * _BAR))
        table.add_row(
            str(cost.index),
            Text(f"{cost.operator}{f' ×{cost.count}' if cost.count > 1 else ''} {cost.shape}".rstrip()),
            _cell(cost, profile.unit),
            f"{cost.value / total:.1%}",
            f"~ {drawn}" if doubtful else drawn,
        )
    console().print(table)
    if len(costs) > len(shown):
        print(f"The {len(shown)} costliest of {len(costs)}; all are in --json.")
    if profile.unit == "instructions":
        print(INSTRUCTIONS_ARE_NOT_TIME)
    else:
        print(_TOGETHER if profile.is_by_kind else _DIFFERENCES)


def _figure(profile: OperatorProfile, value: float) -> str:
    return f"{value:,.0f} instructions" if profile.unit == "instructions" else f"{value / 1e3:,.1f} µs"


def _cell(cost: ProfiledOperator, unit: str) -> str:
    if unit == "instructions":
        return f"{cost.value:,.0f}"
    if cost.low is None or cost.high is None:
        return f"{cost.value / 1e3:,.2f}"
    return f"{cost.value / 1e3:,.2f} ({cost.low / 1e3:,.2f} to {cost.high / 1e3:,.2f})"


def overlay_values(profile: OperatorProfile) -> tuple[str, dict[int, float]]:
    """What the values are called, and those that can be told from nothing, by operator: what noise made would take a
    share of the colours."""
    told = {cost.index: cost.value for cost in profile.operators if cost.low is None or cost.low > 0}
    if profile.unit == "instructions":
        return "instructions", told
    return "time in µs", {index: value / 1e3 for index, value in told.items()}


def write_overlay_file(profile: OperatorProfile, path: Path, progress: ConsoleProgress) -> str:
    """Write the figures for Model Explorer; the line that opens them. Raises `HarnessError`."""
    case = case_of(profile.case)
    shown = case.format.operator_outputs
    if shown is None or shown.graph is None:
        raise HarnessError(f"Model Explorer opens no {case.format.name} artifacts of the harness; leave out --overlay.")
    _, artifact = artifact_of(case, progress)
    if profile.digest and profile.digest != artifact.digest:
        raise HarnessError(f"The artifact of {case.id} is another now than in that run; run it again.")
    write_overlay(path, shown.graph(artifact), *overlay_values(profile), BY_SHARE)
    return opening_line(artifact.path, [path])
