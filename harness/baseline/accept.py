"""Accepts a run: its cases become the baseline that later runs are compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from harness.baseline.accepted_results import AcceptedCase, BaselineFile, accepted_case, accepted_run, origin_in
from harness.baseline.files import baseline_path, read_file, write_file
from harness.errors import HarnessError
from harness.store.record import CaseResult, Outcome, RunRecord

BROKEN = (Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT)


@dataclass
class Acceptance:
    """What an acceptance did, by case."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Case to the reason."""
    files: list[Path] = field(default_factory=list)


def accept_run(record: RunRecord, folder: Path, globs: Iterable[str] = (), *, failing: bool = False) -> Acceptance:
    """Accept the cases of a run that a glob matches (all without globs) into the files below `folder`.

    A case whose accepted facts are equal stays as it was, milliseconds and provenance included: measuring again is no
    change to review. An unavailable case keeps what was known. Broken ones are left out unless `failing`.
    Raises `HarnessError` for a glob that matches nothing.
    """
    patterns = list(globs)
    for pattern in patterns:
        if not any(fnmatchcase(case.id, pattern) for case in record.cases):
            known = ", ".join(case.id for case in record.cases[:5])
            raise HarnessError(f"No case of the run {record.id} matches '{pattern}'; it has {known}, …")
    chosen = [case for case in record.cases if not patterns or any(fnmatchcase(case.id, glob) for glob in patterns)]
    done = Acceptance()
    for model in sorted({case.model for case in chosen}):
        path = baseline_path(folder, model)
        before = read_file(path) if path.exists() else BaselineFile(model=model, runs={}, cases={})
        cases = dict(before.cases)
        for case in (case for case in chosen if case.model == model):
            _accept_case(record, case, cases, failing, done)
        if cases != before.cases:
            runs = {**before.runs, record.id: accepted_run(record)}
            origin = origin_in(record, model)
            sources = before.sources | ({origin.identity: origin} if origin is not None else {})
            file = BaselineFile(model=model, runs=runs, cases=cases, sources=sources)
            done.files.append(write_file(folder, file))
    return done


def _accept_case(
    record: RunRecord, case: CaseResult, cases: dict[str, AcceptedCase], failing: bool, done: Acceptance
) -> None:
    name = f"{case.variant}/{case.target}"
    if case.outcome is Outcome.UNAVAILABLE:
        done.left_out[case.id] = f"unavailable here: {case.reason}"
    elif case.outcome in BROKEN and not failing:
        done.left_out[case.id] = f"{case.outcome.value}: {case.reason}"
    else:
        new, old = accepted_case(record, case), cases.get(name)
        if old is not None and _facts(old) == _facts(new):
            done.unchanged.append(case.id)
            return
        (done.added if old is None else done.changed).append(case.id)
        cases[name] = new


def _facts(case: AcceptedCase) -> AcceptedCase:
    """A case without what differs from one measurement to the next."""
    return case.model_copy(update={"run": "", "latency": None})
