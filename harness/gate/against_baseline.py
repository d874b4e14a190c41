"""Compares one case with its baseline: outcome, bytes, sizes, parity, task. No milliseconds."""

from __future__ import annotations

from harness.baseline.accepted_results import AcceptedArtifact, AcceptedCase, AcceptedOutput, accepted_output
from harness.case_name import CaseName
from harness.gate.policy import Edge, GrowthRule, Policy
from harness.store.record import ArtifactSummary, CaseResult, Check, Comparison, Outcome, Parity
from harness.variant import READY

ROUNDING_FLOOR_DB = 100.0
"""SQNR above which an error is float32 rounding (10⁻⁵ of the signal), which another CPU's kernels may do otherwise."""
SOURCES = {
    "baseline.artifact": "Bytes do not change by themselves: a figure carries what it takes to repeat them",
    "baseline.hardware": "Software renderers and emulators never pose as hardware",
}
EXACT_DB = 120.0
"""What an output without any error counts as: one rounding step of float32 (2⁻²⁰ to 2⁻²⁴ of the signal)."""


def judge_outcome(case: CaseResult, accepted: AcceptedCase | None, policy: Policy) -> list[Check]:
    """The check of a case that did not run to its end."""
    meanings = {
        Outcome.CRASHED: policy.outcomes.crashed,
        Outcome.TIMED_OUT: policy.outcomes.timed_out,
        Outcome.UNSUPPORTED: policy.outcomes.unsupported,
        Outcome.UNAVAILABLE: policy.outcomes.unavailable,
    }
    if case.outcome not in meanings:
        # A failure without figures is a step that should have worked: a conversion, a read, a comparison.
        broken = case.outcome is Outcome.FAILED and not case.checks
        return [_outcome(case, policy, False, case.reason)] if broken else []
    meaning = meanings[case.outcome]
    lost = accepted is not None and accepted.ran
    passed = meaning == "ignore" or (meaning == "regression" and not lost)
    before = "It ran in the baseline and does not any more: " if lost else ""
    return [_outcome(case, policy, passed, f"{before}{case.outcome.value}. {case.reason}")]


def _outcome(case: CaseResult, policy: Policy, passed: bool, message: str) -> Check:
    return Check.make(
        "outcome",
        f"outcome.{case.outcome.value.replace(' ', '_')}",
        passed=passed,
        source=policy.outcomes.source,
        message=message,
    )


def judge_against_baseline(
    name: CaseName, case: CaseResult, accepted: AcceptedCase, policy: Policy, *, same_machine: bool, source: str = ""
) -> list[Check]:
    """Every check of a case that ran against what was accepted of it. `name`: the case with its format; `source`: the
    identity of its source now."""
    checks = [*_artifact(case, accepted, policy, source), *_sizes(name, case, accepted, policy)]
    if case.outcome is Outcome.UNMEASURED and accepted.parity is not None and accepted.parity.runtime:
        passed = policy.outcomes.unmeasured == "ignore"
        checks.append(
            _outcome(case, policy, passed, f"It was measured in the baseline and is not any more. {case.reason}")
        )
    # Over other samples an SQNR is another, also where nothing has changed.
    if case.parity is not None and accepted.parity is not None and case.parity.samples == accepted.parity.samples:
        edges: tuple[tuple[Edge, tuple[Comparison, ...], tuple[AcceptedOutput, ...]], ...] = (
            ("conversion", case.parity.conversion, accepted.parity.conversion),
            ("runtime", case.parity.runtime, accepted.parity.runtime),
        )
        for edge, now, before in edges:
            checks += _parity_drop(name, edge, now, before, policy)
        checks += _task(case.parity, accepted, policy)
    if same_machine and case.simulated and accepted.ran and not accepted.simulated:
        message = "It ran on the hardware in the baseline and runs in a software renderer or emulator now."
        checks.append(_check("baseline.hardware", "simulated", None, None, False, policy, message))
    return checks


def _artifact(case: CaseResult, accepted: AcceptedCase, policy: Policy, source: str) -> list[Check]:
    now, before, wanted = case.artifact, accepted.artifact, policy.baseline.artifact
    if now is None or before is None or wanted == "ignore":
        return []
    rule, metric = "baseline.artifact", "artifact.digest"
    if now.digest == before.digest:
        return [_check(rule, metric, None, None, True, policy)]
    hashes = f"sha256 {now.digest[:12]}…, accepted is {before.digest[:12]}…"
    if case.variant == READY.name:
        message = f"The ready artifact is another file than the accepted one ({hashes})."
        return [_check(rule, metric, None, None, False, policy, message + _ACCEPT)]
    if now.key == before.key:
        message = (
            f"The artifact has other bytes ({hashes}), although source, recipe and converter are the accepted ones: "
            f"the conversion is not repeatable, or the file was changed after it. {_outputs_since(case, accepted)}"
        )
        return [_check(rule, metric, None, None, False, policy, message)]
    message = f"The artifact has other bytes ({hashes}); changed since: {_changed(now, before, source)}."
    return [_check(rule, metric, None, None, wanted != "same", policy, message)]


def _changed(now: ArtifactSummary, before: AcceptedArtifact, source: str) -> str:
    """Names what the artifact is made of that differs from the accepted one; what is not known is named too."""
    packages = sorted(set(now.converter.items()) ^ set(before.converter.items()))
    found = list(dict.fromkeys(name for name, _ in packages))
    if source and before.source and source != before.source:
        found.insert(0, "the source")
    if before.options is not None and (now.options, now.pins) != (before.options, before.pins):
        found.append("the recipe")
    if found:
        return ", ".join(found)
    known = source and before.source and before.options is not None
    return "the converter's code" if known else "the source, the recipe or the converter's code"


def _outputs_since(case: CaseResult, accepted: AcceptedCase) -> str:
    """Whether other bytes give other outputs on the same inputs, as far as a baseline's figures tell."""
    if case.parity is None or accepted.parity is None:
        return "What its outputs are is not known."
    before = {output.output: output for output in accepted.parity.conversion}
    for comparison in case.parity.conversion:
        old, new = before.get(comparison.output), accepted_output(comparison)
        if old != new:
            was, now = (f"{found.sqnr_db:g} dB" if found and found.sqnr_db else "no figure" for found in (old, new))
            return f"Its outputs are others as well: '{new.output}' against float32 went from {was} to {now}."
    return "Its outputs are the same, to the six digits that a baseline keeps."


_ACCEPT = " If that was meant, accept it: `harness baseline accept`."


def _sizes(name: CaseName, case: CaseResult, accepted: AcceptedCase, policy: Policy) -> list[Check]:
    checks = []
    for figure, before in sorted(accepted.figures.items()):
        rule = policy.growth_rule(figure, name)
        if rule is not None:
            checks.append(_growth(figure, case.measured.figures.get(figure), before, rule))
    return checks


def _growth(figure: str, now: int | None, before: int, rule: GrowthRule) -> Check:
    assert rule.percent != "off"
    limit = before + int(before * rule.percent / 100.0)
    if now is None:
        passed, message = False, f"{figure} was {before} in the baseline and was not measured now."
    elif now > limit:
        percent = f" ({(now / before - 1.0) * 100.0:+.2g} %)" if before else ""
        allowed = f"{limit - before} more" if limit > before else "no more"
        passed = False
        message = f"{figure} grew from {before} to {now}, by {now - before}{percent}, where {allowed} is allowed."
    else:
        passed, message = True, f"{figure} shrank from {before} to {now}." if now < before else ""
    return Check.make("growth", figure, measured=now, limit=limit, passed=passed, source=rule.source, message=message)


def _parity_drop(
    name: CaseName,
    edge: Edge,
    now: tuple[Comparison, ...],
    before: tuple[AcceptedOutput, ...],
    policy: Policy,
) -> list[Check]:
    drop = policy.baseline.parity_drop_db
    if drop == "off":
        return []
    accepted = {output.output: output for output in before}
    rule, checks = f"baseline.parity.{edge}", []
    if set(accepted) != {comparison.output for comparison in now}:
        names = f"{', '.join(sorted(accepted))} in the baseline, {', '.join(c.output for c in now)} now"
        return [_check(rule, f"{edge}.outputs", None, None, False, policy, f"The outputs are not the same: {names}.")]
    for comparison in now:
        old = accepted[comparison.output]
        metric = f"{edge}.{comparison.output}.sqnr_db"
        level, was = _level(comparison), _level(old)
        if not comparison.finite or level is None or was is None:
            continue  # NaN is a rule of its own; without a signal there is no ratio
        few = policy.parity_rule(edge, "max_lsb", name)
        within = edge == "runtime" and few is not None and (comparison.max_lsb or 0) <= few.bound
        integer_steps = comparison.max_lsb is not None and within
        limit = min(was - drop, ROUNDING_FLOOR_DB)
        passed = integer_steps or level >= limit
        message = ""
        if not passed:
            message = (
                f"{edge.capitalize()}: output '{comparison.output}' has an SQNR of {level:.1f} dB where the baseline "
                f"has {_decibels(old)}, a drop of {was - level:.1f} dB; {drop:g} dB is allowed."
            )
        checks.append(_check(rule, metric, level, limit, passed, policy, message))
    return checks


def _level(output: Comparison | AcceptedOutput) -> float | None:
    """SQNR in dB, with a figure for no error at all; None where there is no signal to relate to."""
    if output.max_abs == 0.0:
        return EXACT_DB
    return output.sqnr_db


def _decibels(output: AcceptedOutput) -> str:
    return "no error at all" if output.max_abs == 0.0 else f"{output.sqnr_db:.1f} dB"


def _task(parity: Parity, accepted: AcceptedCase, policy: Policy) -> list[Check]:
    """The converted model's figure, and that of the float32 model itself: where both fall, the data or the labels are
    not what they were, and no comparison of the two would show it."""
    now, before = parity.task, accepted.parity.task if accepted.parity is not None else None
    if now is None or before is None or now.name != before.name:
        return []
    checks = []
    sides = (
        ("baseline.golden", "golden", now.golden, before.golden, "The float32 model itself"),
        ("baseline.task", "task", now.value, before.value, "The converted model"),
    )
    for rule, metric, value, was, subject in sides:
        margin = policy.baseline.task_margin
        limit = was * (1.0 - margin) if before.higher_is_better else was / (1.0 - margin)
        passed = value >= limit - 1e-12 if before.higher_is_better else value <= limit * (1.0 + 1e-6)
        message = ""
        if not passed:
            message = f"{subject} has {now.name} {value:.6g} where the baseline has {was:.6g}; {limit:.6g} is allowed."
            if rule == "baseline.golden":
                message += " The model, its data or its labels are not those of the baseline."
        checks.append(_check(rule, f"{metric}.{now.name}", value, limit, passed, policy, message))
    return checks


def _check(
    rule: str,
    metric: str,
    measured: float | None,
    limit: float | None,
    passed: bool,
    policy: Policy,
    message: str = "",
) -> Check:
    source = SOURCES.get(rule, policy.baseline.source)
    return Check.make(rule, metric, measured=measured, limit=limit, passed=passed, source=source, message=message)
