"""Judges a whole run by a policy and a baseline: a verdict for every case, and notices for the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from harness.baseline.accepted_results import AcceptedCase, origin_in
from harness.baseline.files import Baseline
from harness.case_name import CaseName
from harness.errors import ANY_ERROR, HarnessError, as_case_error
from harness.gate.against_baseline import judge_against_baseline, judge_outcome
from harness.gate.judge_case import judge_case
from harness.gate.notices import notices
from harness.gate.policy import Policy
from harness.gate.policy_exceptions import apply_exceptions
from harness.gate.regression import RegressionTimer, judge_regression
from harness.gate.severity import severity_rank, worst_first
from harness.store.record import EXACT_AT_PLACES, CaseResult, Check, Outcome, RunRecord


@dataclass(frozen=True)
class CaseVerdict:
    """One case: its result, what it was held against, and every check."""

    case: CaseResult
    accepted: AcceptedCase | None
    checks: tuple[Check, ...]

    @property
    def broken(self) -> tuple[Check, ...]:
        """The checks that failed, worst first."""
        return tuple(worst_first(self.checks))

    @property
    def passed(self) -> bool:
        return not self.broken

    @property
    def reason(self) -> str:
        """The worst broken rule in words; empty where all held."""
        return self.broken[0].message if self.broken else ""


@dataclass(frozen=True)
class GateResult:
    """The verdict on a run. `notices` are sentences that turn nothing red."""

    record: RunRecord
    verdicts: tuple[CaseVerdict, ...]
    notices: tuple[str, ...]

    @property
    def failed(self) -> tuple[CaseVerdict, ...]:
        """Worst first: wrong answers, then lost cases, then costs."""
        return tuple(sorted((v for v in self.verdicts if not v.passed), key=lambda v: (_gravity(v), v.case.id)))

    @property
    def passed(self) -> bool:
        return not self.failed


def _gravity(verdict: CaseVerdict) -> int:
    """The gravity of its worst broken rule."""
    return min(map(severity_rank, verdict.broken))


def judge_run(
    record: RunRecord,
    policy: Policy,
    baseline: Baseline,
    format_of: Callable[[str], str],
    *,
    stopwatch: RegressionTimer | None = None,
    complete: bool = False,
    today: date | None = None,
) -> GateResult:
    """Judge every case of `record`.

    Args:
        format_of: the artifact format of a target, by its name, for older records; empty if it is not known.
        stopwatch: times what differs from its baseline; nothing is timed without.
        complete: the run was to have every case of the baseline.
        today: the day that exceptions are held against.

    Raises `HarnessError` for a run that was interrupted or has no case: it has nothing to say about the rest.
    """
    if record.status == "interrupted":
        raise HarnessError(
            f"The run {record.id} was interrupted with {len(record.cases)} of {record.planned_cases} cases finished; "
            "repeat its command, which resumes, and gate that run."
        )
    if not record.cases:
        raise HarnessError(f"The run {record.id} has no case; nothing can be said of it.")
    now = today or date.today()
    used: set[int] = set()
    verdicts = []
    for case in (*record.cases, *_missing(record, baseline, policy, complete)):
        name = replace(case.name, format=case.format or format_of(case.name.runtime))
        accepted = baseline.cases.get(name) or baseline.cases.get(replace(name, target=name.runtime))
        checks: Iterable[Check]
        try:
            if not name.format:
                raise HarnessError(
                    f"the artifact format of {name} is not known here: install the package that brings its target, or "
                    "run it again (older records do not say the format)"
                )
            checks = _checks(name, case, accepted, record, policy, baseline, stopwatch, now)
        except ANY_ERROR as error:
            checks = [_unjudged(error)]
        judged = []
        for check in checks:
            after, number = apply_exceptions(check, name, policy.exceptions, now)
            judged.append(after)
            if number is not None:
                used.add(number)
        verdicts.append(CaseVerdict(case, accepted, tuple(judged)))
    said = notices(record, policy, baseline, used, now)
    return GateResult(record, tuple(verdicts), said)


def _unjudged(error: BaseException) -> Check:
    """What stands for the checks of a case that could not be judged: it is red, as nothing is known of it."""
    source, message = "What was not judged is not known", str(as_case_error(error, "Judging it"))
    return Check.make("outcome", "outcome.judged", passed=False, source=source, message=message)


def _checks(
    name: CaseName,
    case: CaseResult,
    accepted: AcceptedCase | None,
    record: RunRecord,
    policy: Policy,
    baseline: Baseline,
    stopwatch: RegressionTimer | None,
    today: date,
) -> Iterable[Check]:
    """The checks of a case before exceptions are applied."""
    ended_early = case.outcome is Outcome.FAILED and not case.checks
    if case.outcome not in (Outcome.PASSED, Outcome.FAILED, Outcome.UNMEASURED) or case.parity is None or ended_early:
        # A case that is not in the run at all brings its own check.
        return [*case.checks, *judge_outcome(case, accepted, policy)]
    bare = policy.model_copy(update={"exceptions": ()})
    scheme = case.artifact.scheme if case.artifact is not None else ""
    figures = (case.parity, case.latency, case.measured)
    checks = list(judge_case(name, *figures, case.fingerprint, bare, today, scheme=scheme))
    checks += [check for check in case.checks if check.rule == EXACT_AT_PLACES]
    if accepted is not None:
        same_machine = baseline.machine_of(accepted) == record.machine_of(case).id
        origin = origin_in(record, case.model)
        source = origin.identity if origin is not None else ""
        checks += judge_against_baseline(name, case, accepted, policy, same_machine=same_machine, source=source)
        # What was measured elsewhere cannot be timed against its old side here.
        checks += judge_regression(name, case, accepted, policy, None if case.place else stopwatch)
    return checks


@dataclass(frozen=True)
class Covered:
    """What a run has: its cases, and their models, variants and targets."""

    names: frozenset[CaseName]
    models: frozenset[str]
    variants: frozenset[str]
    targets: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    """Variant and target."""

    @classmethod
    def of(cls, record: RunRecord) -> Covered:
        """What a record says of its run."""
        cases = record.cases
        return cls(
            frozenset(case.name for case in cases),
            frozenset(case.model for case in cases),
            frozenset(case.variant for case in cases),
            frozenset(case.target for case in cases),
            frozenset((case.variant, case.target) for case in cases),
        )

    def covers(self, name: CaseName, accepted: AcceptedCase) -> bool:
        """Whether the run has the model, the variant and the target of an accepted case. What a target does not take
        by default was asked for by name: a run has to have it if it has that variant on that target of another model.
        """
        if name.model not in self.models:
            return False
        if accepted.by_default is False:
            return (name.variant, name.target) in self.pairs
        return name.variant in self.variants and name.target in self.targets


def _missing(record: RunRecord, baseline: Baseline, policy: Policy, complete: bool) -> list[CaseResult]:
    """A failed result for each case of the baseline that the run should have had."""
    rule = policy.outcomes.missing
    if rule == "ignore":
        return []
    present = Covered.of(record)
    found = []
    for name, accepted in baseline.cases.items():
        if name in present.names or not accepted.ran:
            continue
        if not (complete or rule == "fail" or present.covers(name, accepted)):
            continue
        message = "It is in the baseline and not in this run: nothing is known of it. Run it, or drop it from there."
        check = Check.make("outcome", "outcome.missing", passed=False, source=policy.outcomes.source, message=message)
        found.append(
            CaseResult(
                key="",
                model=name.model,
                variant=name.variant,
                target=name.target,
                outcome=Outcome.FAILED,
                reason=message,
                checks=(check,),
                seconds=0.0,
            )
        )
    return found


def judged_record(result: GateResult) -> RunRecord:
    """The run as the gate sees it, for whatever shows runs: each case with all its checks, failed where one broke."""
    cases = []
    for verdict in result.verdicts:
        case, outcome = verdict.case, verdict.case.outcome
        if not verdict.passed and outcome in (Outcome.PASSED, Outcome.UNSUPPORTED, Outcome.UNAVAILABLE):
            outcome = Outcome.FAILED
        elif verdict.passed and outcome is Outcome.FAILED:
            outcome = Outcome.PASSED
        reason = verdict.reason or (case.reason if outcome is not Outcome.PASSED else "")
        cases.append(case.model_copy(update={"checks": verdict.checks, "outcome": outcome, "reason": reason}))
    return result.record.model_copy(update={"cases": tuple(cases)})
