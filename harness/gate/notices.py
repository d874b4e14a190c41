"""Notices: sentences that a reader of a verdict should know and that fail nothing."""

from __future__ import annotations

from collections.abc import Set
from datetime import date
from fnmatch import fnmatchcase

from harness.baseline.files import Baseline
from harness.gate.policy import Policy
from harness.parity.conditions import runtime_notices
from harness.store.record import CaseResult, Outcome, RunRecord

APART = 1.10
"""Two medians from two runs differ by a few percent for no reason at all (docs/measured-facts.md: by more than 3 % in
5 of 20 A/A trials); a tenth is worth a word, no more."""


def notices(record: RunRecord, policy: Policy, baseline: Baseline, used: Set[int], today: date) -> tuple[str, ...]:
    """The notices, in the order of importance. `used`: numbers of the exceptions that let something through."""
    found = [
        *_alone(record),
        *_conditions(record),
        *_about_baseline(record, baseline),
        *_exceptions(record, policy, used, today),
    ]
    slower = [case.id for case in record.cases if _slower_apart(case, record, baseline)]
    if slower:
        found.append(
            f"Timed on its own, {_listed(slower)} took over {APART - 1.0:.0%} longer than when accepted; two runs "
            "apart prove nothing: `harness ab` decides."
        )
    return tuple(found)


def _alone(record: RunRecord) -> list[str]:
    """Targets whose outputs are wrong on a file on which those of all others are right: the file is not at fault."""
    same_file: dict[tuple[str, str], list[CaseResult]] = {}
    for case in record.cases:
        if case.artifact is not None and case.parity is not None:
            same_file.setdefault((case.model, case.artifact.digest), []).append(case)
    alone: dict[tuple[str, str], list[str]] = {}
    for cases in same_file.values():
        wrong = [case for case in cases if case.outcome is Outcome.FAILED and _is_wrong(case)]
        right = [case.target for case in cases if case.outcome is Outcome.PASSED]
        if len(wrong) == 1 and len(wrong) + len(right) == len(cases) and right:
            alone.setdefault((wrong[0].target, _listed(right, "targets")), []).append(wrong[0].id)
    return [
        f"{_listed(cases)}: {target} alone gives wrong outputs; the same file gives the reference's on {right}: the "
        "fault is in that runtime."
        for (target, right), cases in alone.items()
    ]


def _is_wrong(case: CaseResult) -> bool:
    return any(not check.passed and check.rule.startswith("parity.runtime.") for check in case.checks)


def _conditions(record: RunRecord) -> list[str]:
    found = []
    notes: dict[str, list[str]] = {}
    for case in record.cases:
        if case.parity and case.parity.yardstick in ("outvoted", "disputed", "stand-in"):
            notes.setdefault(case.parity.yardstick_note, []).append(case.id)
    found += [f"{_listed(cases)}: {note}" for note, cases in notes.items()]
    said: dict[str, list[str]] = {}
    for case in record.cases:
        for sentence in runtime_notices(case.measured.details):
            said.setdefault(sentence, []).append(case.id)
    found += [f"{_listed(cases)}: {sentence}" for sentence, cases in said.items()]
    unmeasured = [case.id for case in record.cases if case.parity and case.parity.unmeasured]
    if unmeasured:
        has = "has" if len(unmeasured) == 1 else "have"
        found.append(f"{_listed(unmeasured)} {has} no runtime edge: no other runtime runs the model.")
    fresh = [case.id for case in record.cases if case.parity and case.parity.state == "fresh"]
    if fresh:
        keeps = "keeps" if len(fresh) == 1 else "keep"
        found.append(
            f"{_listed(fresh)} {keeps} state, and each sample started from fresh state; a model whose samples are one "
            "stream says `sequence = true` in harness.toml."
        )
    return found


def _about_baseline(record: RunRecord, baseline: Baseline) -> list[str]:
    if not baseline.cases:
        return ["There is no baseline: only absolute rules were applied; `harness baseline accept` makes one."]
    found = []
    ran = {case.name for case in record.cases}
    machines = {
        baseline.machine_of(case): baseline.run_of(case).cpu
        for name, case in baseline.cases.items()
        if name in ran and case.latency is not None
    }
    for machine in (record.machine, *(place.machine for place in record.places)):
        machines.pop(machine.id, None)
    if machines:
        cpus = ", ".join(sorted(set(machines.values())))
        found.append(
            f"The baseline's milliseconds come from another machine ({cpus}) and are refused here; its bytes, sizes, "
            "counts and parity are compared all the same."
        )
    new = sorted(str(name) for name in ran - set(baseline.cases))
    if new:
        found.append(f"{_listed(new)} {'has' if len(new) == 1 else 'have'} no baseline yet.")
    left = set(baseline.cases) - ran
    if left:
        found.append(f"{len(left)} of {len(baseline.cases)} cases of the baseline were not part of this run.")
    return found


def _exceptions(record: RunRecord, policy: Policy, used: Set[int], today: date) -> list[str]:
    found = []
    for number, exception in enumerate(policy.exceptions):
        name = f"Exception {number + 1} ({exception.case}, {exception.rule})"
        if today > exception.expires:
            found.append(f"{name} ended on {exception.expires}; remove it.")
        elif not any(fnmatchcase(case.id, exception.case) for case in record.cases):
            found.append(f"{name} matches no case of this run.")
        elif number not in used:
            found.append(f"{name} lets nothing through any more; remove it.")
    return found


def _slower_apart(case: CaseResult, record: RunRecord, baseline: Baseline) -> bool:
    accepted = baseline.cases.get(case.name)
    if accepted is None or accepted.latency is None or case.latency is None or case.simulated:
        return False
    if baseline.machine_of(accepted) != record.machine_of(case).id:
        return False
    # The intervals must be apart as well: microseconds on a coarse clock are not worth a word.
    apart = case.latency.median_interval.low > accepted.latency.high_ms
    return apart and case.latency.median_ms > APART * accepted.latency.median_ms


def _listed(names: list[str], what: str = "cases") -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} more {what}"
