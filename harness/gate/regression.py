"""Decides whether a case is slower than its baseline: times both now, and only where artifact or runtime differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import NDArray

from harness.ab.block_plan import DEFAULT_PLAN, BlockPlan
from harness.ab.by_operator import OperatorRatio, changed_operators, operator_in_words
from harness.ab.compare import compare_sides
from harness.ab.decide import Finding
from harness.ab.old_side import cached_artifact, runtime_of
from harness.ab.side import Side
from harness.artifact import Artifact
from harness.baseline.accepted_results import AcceptedCase
from harness.cache import Cache
from harness.case_name import CaseName
from harness.conversion.model_entry import ModelEntry
from harness.errors import ANY_ERROR, CaseError, HarnessError, Unavailable
from harness.gate.policy import Clock, Policy, RatioBudget
from harness.store.record import CaseResult, Check
from harness.target import Target

RULES: Mapping[Clock, tuple[str, str]] = {
    "data": ("latency.regression", "latency.ratio"),
    "kernels": ("latency.kernels", "latency.kernel_ratio"),
}
"""The rule for each time, and its figure."""
MOST_NAMED = 3
"""Operators that a message names, those that weigh most."""

Inputs = Callable[[CaseResult], dict[str, NDArray[Any]]]
"""Real inputs of a case's golden; empty where they cannot be had."""
Rebuild = Callable[[CaseName, AcceptedCase], Artifact]
"""A case and what was accepted of it, to its artifact. Raises `Unavailable`."""


@dataclass(frozen=True)
class RegressionTimer:
    """What timing two sides takes. `compare` is exchanged in tests alone."""

    cache: Cache
    targets: Mapping[str, Target]
    inputs: Inputs = lambda case: {}
    plan: BlockPlan = DEFAULT_PLAN
    rebuild: Rebuild | None = None
    """Converts an accepted artifact again that left the cache."""
    compare: Callable[[Side, Side, dict[str, NDArray[Any]], BlockPlan], Finding] = compare_sides
    find_changed_operators: Callable[[Side, Side, dict[str, NDArray[Any]], BlockPlan], tuple[OperatorRatio, ...]] = (
        changed_operators
    )
    """Which operators a change is in, asked where a case became slower; exchanged in tests alone."""
    note: Callable[[str], None] = lambda text: None
    models: Mapping[str, ModelEntry] = field(default_factory=dict)
    """The project's, by name."""

    def cached(self, case: CaseName, key: str, digest: str) -> Artifact:
        """The artifact that a record or the baseline names. Raises `Unavailable`."""
        return cached_artifact(self.cache, case, key, digest, self.models.get(case.model))

    def old_artifact(self, case: CaseName, accepted: AcceptedCase) -> Artifact:
        """The accepted artifact: kept or converted again. Raises `Unavailable`."""
        assert accepted.artifact is not None
        try:
            return self.cached(case, accepted.artifact.key, accepted.artifact.digest)
        except Unavailable:
            if self.rebuild is None:
                raise
            return self.rebuild(case, accepted)


def judge_regression(
    name: CaseName, case: CaseResult, accepted: AcceptedCase, policy: Policy, stopwatch: RegressionTimer | None
) -> list[Check]:
    """A check of each time that there is a budget for: until the data is there and, where a GPU has timers, of its
    kernels alone. Empty if the case has no latency to judge. Without a stopwatch nothing is timed."""
    if policy.latency.regressions == "off" or accepted.artifact is None or case.artifact is None:
        return []
    if case.latency is None or case.simulated or not accepted.ran or case.parity is None:
        return []
    clocks: tuple[Clock, ...] = ("data",) if case.latency.kernel_ms is None else ("data", "kernels")
    budgets = [budget for budget in (policy.ratio_budget(name, clock) for clock in clocks) if budget is not None]
    if accepted.artifact.digest == case.artifact.digest and accepted.fingerprint == case.fingerprint:
        same = "Artifact and runtime are the baseline's to the byte: nothing to time."
        return [_check(budget, None, True, same) for budget in budgets]
    if stopwatch is None:
        untimed = "It differs from the baseline and was not timed against it: timing is off here"
        return [_open(budget, policy, untimed) for budget in budgets]
    return [_timed(name, case, accepted, policy, stopwatch, budget) for budget in budgets]


def _timed(
    name: CaseName,
    case: CaseResult,
    accepted: AcceptedCase,
    policy: Policy,
    stopwatch: RegressionTimer,
    budget: RatioBudget,
) -> Check:
    """One budget's check, from both sides timed now."""
    try:
        sides = _sides(name, case, accepted, stopwatch)
        if sides is None:
            return _check(budget, None, True, "Only the measuring code differs, which both sides share.")
        for side in sides:
            side.target.prepare()
        of = " by the GPU's own timers" if budget.time == "kernels" else ""
        stopwatch.note(f"Timing {case.id} against its baseline{of}: {sides[0].label}.")
        plan = replace(
            stopwatch.plan,
            margin=budget.limit - 1.0,
            confidence=policy.latency.confidence,
            kernels=budget.time == "kernels",
        )
        inputs = stopwatch.inputs(case)
        finding = stopwatch.compare(*sides, inputs, plan)
    except HarnessError as error:
        crash = isinstance(error, CaseError)
        message = f"The old side cannot be timed: {str(error).rstrip('.')}"
        return _open(budget, policy, message if crash else f"{message} (a mistake in the policy or the record)")
    slower: tuple[OperatorRatio, ...] = ()
    if finding.verdict == "slower":
        with suppress(*ANY_ERROR):  # the verdict stands without it
            slower = tuple(one for one in stopwatch.find_changed_operators(*sides, inputs, plan) if one.ratio > 1.0)
    return _found(budget, policy, finding, sides[0].label, slower)


def _sides(
    name: CaseName, case: CaseResult, accepted: AcceptedCase, stopwatch: RegressionTimer
) -> tuple[Side, Side] | None:
    """Old and new; None where they are the same after all."""
    assert case.artifact is not None
    assert accepted.artifact is not None
    target = stopwatch.targets[case.target]
    new = Side("now", target, stopwatch.cached(name, case.artifact.key, case.artifact.digest))
    runtime = runtime_of(target, accepted.fingerprint)
    changed = [] if runtime is target else _changes(runtime.fingerprint(), target.fingerprint())
    artifact = new.artifact
    if accepted.artifact.digest != case.artifact.digest:
        artifact = stopwatch.old_artifact(name, accepted)
        changed.append(f"artifact {accepted.artifact.digest[:12]}… → {case.artifact.digest[:12]}…")
    old = Side(", ".join(changed), runtime, artifact)
    return None if old.same_as(new) else (old, new)


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    keys = [key for key in old if old[key] != new.get(key) and key != "environment"]
    return [f"{key} {old[key]} → {new.get(key, 'none')}" for key in keys]


def _found(
    budget: RatioBudget, policy: Policy, finding: Finding, changed: str, slower: Sequence[OperatorRatio]
) -> Check:
    ratio = finding.ratio
    figures = (
        f"{(ratio.ratio - 1.0) * 100.0:+.1f} % ({ratio.confidence:.0%} interval {(ratio.low - 1.0) * 100.0:+.1f} to "
        f"{(ratio.high - 1.0) * 100.0:+.1f} %, {ratio.blocks} interleaved block pairs{_by(budget, finding)})"
    )
    limit = f"{(budget.limit - 1.0) * 100.0:g} %"
    if finding.verdict == "slower":
        message = (
            f"Slower than the baseline by {figures}, where {limit} is allowed; fresh processes confirmed it. Changed: "
            f"{changed}. A ratio of {ratio.low:.3f} would have passed."
        )
        if slower:
            more = f"; and {len(slower) - MOST_NAMED} more" if len(slower) > MOST_NAMED else ""
            message += f" Slower inside: {'; '.join(map(operator_in_words, slower[:MOST_NAMED]))}{more}."
        return _check(budget, ratio.ratio, False, message)
    if finding.verdict == "undecided" and ratio.low <= budget.limit < ratio.high:
        return _open(budget, policy, f"Undecided: {figures} against {limit}; measure on a quieter machine", ratio.ratio)
    return _check(budget, ratio.ratio, True, f"{figures}. Changed: {changed}.")


def _by(budget: RatioBudget, finding: Finding) -> str:
    """What gave the times, where that was no clock of the page."""
    if budget.time != "kernels":
        return ""
    step = finding.resolution_ns
    return " of kernels, by the GPU's own timers" + (f" in steps of {step / 1e3:.3g} µs" if step else "")


def _open(budget: RatioBudget, policy: Policy, message: str, ratio: float | None = None) -> Check:
    strict = policy.latency.undecided if ratio is not None else policy.latency.no_old_side
    return _check(budget, ratio, strict == "notice", f"Not decided. {message}.")


def _check(budget: RatioBudget, ratio: float | None, passed: bool, message: str) -> Check:
    rule, metric = RULES[budget.time]
    return Check.make(
        rule,
        metric,
        measured=ratio,
        limit=budget.limit,
        passed=passed,
        source=budget.source,
        message=message,
    )
