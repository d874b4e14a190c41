"""What changed between two runs: outcomes, exact figures one by one, and latency with what can be said of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.report import numbers
from harness.report.outcomes import WRONG
from harness.store.record import CaseResult, Outcome, Parity, RunRecord, SteadyState

Direction = Literal["worse", "better", "other", "new", "gone"]
Reading = Literal["slower", "faster", "unchanged", "no clear difference", "not judged"]
"""`unchanged`: the intervals lie apart, though nothing changed in what was measured."""


@dataclass(frozen=True)
class OutcomeChange:
    """`case` is that of the new run, or of the old one where the new has none."""

    case: CaseResult
    before: Outcome | None
    after: Outcome | None
    direction: Direction


@dataclass(frozen=True)
class FigureChange:
    """A figure that is the same at every run of the same thing, and now is another."""

    case: CaseResult
    name: str
    before: float
    after: float
    before_text: str
    after_text: str
    change: str


@dataclass(frozen=True)
class LatencyChange:
    """The median latencies of one case in two runs."""

    case: CaseResult
    previous: CaseResult
    ratio: float
    low: float
    high: float
    """The ratio lies between `low` and `high` wherever in their intervals the two medians lie."""
    reading: Reading
    why: str
    """Why it is not judged, where it is not."""
    alike: bool
    """Whether the artifact and all that is known of the runtime are the same in both runs."""


@dataclass(frozen=True)
class Drift:
    """How far the latencies of unchanged cases moved: the drift of the machine itself between the two runs.

    Nine tenths of the `cases` lie from `low` to `high` (ratios of now to before)."""

    cases: int
    low: float
    high: float


@dataclass(frozen=True)
class CircumstanceChange:
    """A circumstance of two runs that differs, as a version or the machine; `where` names the targets that it concerns,
    and is empty where it concerns all."""

    name: str
    before: str
    after: str
    where: str = ""


@dataclass(frozen=True)
class Changes:
    """All that changed from the run `previous` to the run `record`."""

    record: RunRecord
    previous: RunRecord
    outcomes: tuple[OutcomeChange, ...]
    figures: tuple[FigureChange, ...]
    latencies: tuple[LatencyChange, ...]
    facts: tuple[CircumstanceChange, ...]
    shared: int
    """Cases that both runs hold."""
    drift: Drift | None
    """The drift of the machine. None if too few cases are unchanged."""

    @property
    def same_machine(self) -> bool:
        """Whether milliseconds of the two runs can be compared: of one case at least, if any was timed."""
        timed = [change for change in self.latencies if change.why != MACHINES_DIFFER]
        return bool(timed) or (not self.latencies and self.record.machine.id == self.previous.machine.id)

    def count(self, direction: Direction) -> int:
        return sum(change.direction == direction for change in self.outcomes)

    def read(self, reading: Reading) -> int:
        return sum(change.reading == reading for change in self.latencies)


ORDER: tuple[Direction, ...] = ("worse", "other", "better", "new", "gone")
READINGS: tuple[Reading, ...] = ("slower", "faster", "unchanged", "no clear difference", "not judged")
MACHINES_DIFFER = "the machines differ"
FEWEST_UNCHANGED = 10
"""Cases from which a range of movement can be told."""


def changes(record: RunRecord, previous: RunRecord) -> Changes:
    """What changed from `previous` to `record`, the gravest first."""
    old = {case.id: case for case in previous.cases}
    new = {case.id: case for case in record.cases}
    pairs = [(old[name], case) for name, case in new.items() if name in old]
    outcomes = [_outcome(before, after) for before, after in pairs if before.outcome is not after.outcome]
    outcomes += [OutcomeChange(case, None, case.outcome, "new") for name, case in new.items() if name not in old]
    outcomes += [OutcomeChange(case, case.outcome, None, "gone") for name, case in old.items() if name not in new]
    latencies = [
        _latency(before, after, previous.machine_of(before).id == record.machine_of(after).id)
        for before, after in pairs
        if before.latency and after.latency
    ]
    return Changes(
        record=record,
        previous=previous,
        outcomes=tuple(sorted(outcomes, key=lambda change: ORDER.index(change.direction))),
        figures=tuple(change for before, after in pairs for change in _figures(before, after)),
        latencies=tuple(sorted(latencies, key=lambda change: (READINGS.index(change.reading), -change.ratio))),
        facts=tuple(_facts(record, previous, pairs)),
        shared=len(pairs),
        drift=_drift(latencies),
    )


def _drift(latencies: Iterable[LatencyChange]) -> Drift | None:
    judged = (change for change in latencies if change.alike and change.reading != "not judged")
    unchanged = sorted(change.ratio for change in judged if math.isfinite(change.ratio))
    if len(unchanged) < FEWEST_UNCHANGED:
        return None
    left_out = len(unchanged) // 20
    return Drift(len(unchanged), unchanged[left_out], unchanged[-1 - left_out])


def _outcome(before: CaseResult, after: CaseResult) -> OutcomeChange:
    direction: Direction = "other"
    if after.outcome is Outcome.PASSED or (before.outcome in WRONG and after.outcome not in WRONG):
        direction = "better"
    elif before.outcome is Outcome.PASSED or (after.outcome in WRONG and before.outcome not in WRONG):
        direction = "worse"
    return OutcomeChange(after, before.outcome, after.outcome, direction)


def _figures(before: CaseResult, after: CaseResult) -> Iterable[FigureChange]:
    old, new = _exact(before), _exact(after)
    for name, value in new.items():
        if name in old and old[name] != value:
            texts = _text(name, old[name]), _text(name, value)
            if texts[0] == texts[1]:
                texts = _apart(name, old[name]), _apart(name, value)
            yield FigureChange(
                after,
                _title(name),
                old[name],
                value,
                *texts,
                "" if name.endswith("_crc32") else numbers.step(old[name], value),
            )


def _exact(case: CaseResult) -> dict[str, float]:
    """Every figure of a case that has no noise, by name."""
    found: dict[str, float] = {}
    if case.artifact:
        found["artifact_bytes"] = case.artifact.bytes
    found |= {name: case.measured.figures[name] for name in case.measured.exact if name in case.measured.figures}
    return found | (_of_parity(case.parity) if case.parity else {})


def _of_parity(parity: Parity) -> dict[str, float]:
    found: dict[str, float] = {}
    for edge, comparisons in (("conversion", parity.conversion), ("runtime", parity.runtime)):
        error = numbers.worst_error(comparisons)
        if error is not None:
            found[f"{edge} error"] = error
        steps = [comparison.max_lsb for comparison in comparisons if comparison.max_lsb is not None]
        if steps:
            found[f"{edge} LSB"] = max(steps)
    if parity.task:
        found[parity.task.name] = parity.task.value
    return found


def _title(name: str) -> str:
    return numbers.figure_name(name) if "_" in name else name[:1].upper() + name[1:]


def _text(name: str, value: float) -> str:
    if name.endswith(" error"):
        return numbers.error_share(value)
    return numbers.figure(name, int(value)) if float(value).is_integer() else numbers.significant(value, 4)


def _apart(name: str, value: float) -> str:
    """A figure that differs from another in later digits than are shown otherwise."""
    if name.endswith(" error"):
        return f"{value * 100:.6g} %"
    return numbers.unrounded(value) + (" B" if name.endswith("_bytes") else "")


def _latency(before: CaseResult, after: CaseResult, same_machine: bool) -> LatencyChange:
    old, new = before.latency, after.latency
    assert old is not None, "only pairs with two timings are compared"
    assert new is not None, "only pairs with two timings are compared"
    low = new.median_interval.low / old.median_interval.high if old.median_interval.high else 1.0
    high = new.median_interval.high / old.median_interval.low if old.median_interval.low else 1.0
    ratio = new.median_ms / old.median_ms if old.median_ms else 1.0
    why = ""
    if not same_machine:
        why = MACHINES_DIFFER
    elif before.simulated or after.simulated:
        why = "simulated"
    elif old.samples_ns == new.samples_ns:
        why = "the same measurement, reused"
    elif SteadyState.NONE in (old.state, new.state):
        why = "never steady"
    alike = _alike(before, after)
    reading: Reading = "slower" if low > 1 else "faster" if high < 1 else "no clear difference"
    if why:
        reading = "not judged"
    elif alike and reading != "no clear difference":
        reading = "unchanged"
    return LatencyChange(after, before, ratio, low, high, reading, why, alike)


def _alike(before: CaseResult, after: CaseResult) -> bool:
    if before.artifact is None or after.artifact is None:
        return False
    return before.artifact.digest == after.artifact.digest and before.fingerprint == after.fingerprint


def _facts(
    record: RunRecord, previous: RunRecord, pairs: list[tuple[CaseResult, CaseResult]]
) -> Iterable[CircumstanceChange]:
    """The run's own facts first, then those of targets and converters, equal changes put together."""
    yield from _differing(_of_run(previous), _of_run(record))
    where: dict[tuple[str, str, str], dict[str, None]] = {}
    for before, after in pairs:
        told = [*_differing(before.fingerprint, after.fingerprint)]
        if before.artifact and after.artifact:
            told += _differing(before.artifact.converter, after.artifact.converter, "converter: ")
        for fact in told:
            where.setdefault((fact.name, fact.before, fact.after), {})[after.target] = None
    for (name, old, new), targets in where.items():
        yield CircumstanceChange(name, old, new, ", ".join(targets))


def _of_run(record: RunRecord) -> dict[str, str]:
    machine = record.machine
    return {
        "commit": record.commit or "not known",
        "harness": record.harness_version,
        "processor": machine.cpu,
        "cores": str(machine.cores),
        "system": machine.system,
        "Python": machine.python,
        "machine": machine.id,
        **{f"place {one.name}": f"{one.machine.in_words}, {one.machine.id}" for one in record.places},
        **{f"plan: {name}": str(value) for name, value in record.plan.items()},
    }


def _differing(before: Mapping[str, str], after: Mapping[str, str], prefix: str = "") -> Iterable[CircumstanceChange]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name, "none"), after.get(name, "none")
        if old != new:
            yield CircumstanceChange(prefix + name, old, new)
