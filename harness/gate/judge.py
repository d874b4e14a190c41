"""Turns measurements and a policy into checks: what was measured, the limit, and the limit that would have passed.

A value that is NaN or missing never passes. A failing check's message is one sentence or two that say how far off it
is, where the worst value is, and which limit would have passed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from harness.case_name import CaseName
from harness.gate.conditioned import conditioned, steps_rule
from harness.gate.judge_misplaced_outputs import judge_labels, judge_misplaced_outputs
from harness.gate.judge_rule import (
    judge_agreement,
    judge_peak,
    judge_sizes_held,
    judge_sqnr,
    judge_steps,
    place,
    subject,
)
from harness.gate.judge_task import judge_task
from harness.gate.policy import DEFAULT_PARITY, Edge, ParityMetric, ParityRule, Policy
from harness.store.record import (
    Check,
    Comparison,
    Conditioning,
    Latency,
    Measured,
    OutputConditioning,
    Parity,
    SteadyState,
)

_NEVER = "No tolerance passes a NaN: it compares with nothing (IEEE 754)"


def judge(
    case: CaseName, parity: Parity | None, latency: Latency | None, measured: Measured, policy: Policy
) -> tuple[Check, ...]:
    """Every check that `policy` holds for `case`, in the order conversion, runtime, task, latency, sizes.

    A case without parity, without samples or without outputs gets one failing check: nothing was shown. Milliseconds
    never fail a case; a missing steady state does where the policy asks for one.
    """
    checks: list[Check] = []
    compared = parity is not None and parity.samples > 0 and bool(parity.conversion)
    if parity is None or not compared or not (parity.runtime or parity.unmeasured):
        message = "Nothing was compared: no samples or no outputs, so nothing is known of this case."
        samples = 0 if parity is None else parity.samples
        source = "What was not measured is not known"
        checks.append(
            Check.make(
                "parity.measured", "samples", measured=samples, limit=1, passed=False, source=source, message=message
            )
        )
    else:
        has_task = parity.task is not None
        own_integers = frozenset(found.output for found in parity.conversion if found.max_lsb is not None)
        edges: tuple[tuple[Edge, tuple[Comparison, ...]], ...] = (
            ("conversion", parity.conversion),
            ("runtime", parity.runtime),
        )
        for edge, comparisons in edges:
            by_names = [
                judge_edge(
                    EdgeRules(policy, edge, where, parity.conditioning, parity.samples, is_sample(parity)),
                    comparisons,
                    parity.samples,
                    has_task=has_task,
                    own_integers=own_integers,
                )
                for where in (_held_as(case, parity, policy) if edge == "runtime" else (case,))
            ]
            checks += min(by_names, key=_broken_rules)  # where two names apply, the more lenient
        checks += _judge_empty_outputs(parity.runtime, parity.samples)
        if parity.unmeasured:
            why = "What was not measured is said"
            checks.append(
                Check.make("parity.runtime.measured", "runtime", passed=True, source=why, message=parity.unmeasured)
            )
        if parity.yardstick == "outvoted":
            why = "One interpreter is no oracle: where the others agree against it, they are the reference"
            checks.append(
                Check.make("parity.reference", "reference", passed=True, source=why, message=parity.yardstick_note)
            )
        if parity.task is not None:
            checks += judge_labels(parity.task)
            checks.append(judge_task(parity.task, parity.end_to_end, policy.task, is_sample=is_sample(parity)))
    if latency is not None:
        checks.append(_judge_latency(latency, policy))
    checks += _judge_sizes(case, measured, policy)
    return tuple(checks)


def _broken_rules(checks: Iterable[Check]) -> int:
    return sum(not check.passed for check in checks)


def _judge_empty_outputs(comparisons: Sequence[Comparison], samples: int) -> list[Check]:
    """A failing check for each output that held no value at all: to agree on nothing is not to agree."""
    found = []
    for comparison in comparisons:
        none_found = comparison.detection_of == comparison.output and comparison.answers == 0
        if comparison.elements and not none_found:
            continue
        what = "detection" if none_found else "value"
        message = (
            f"Nothing was compared of output {comparison.output!r}: it held no {what} in any of {samples:,} samples, "
            "so nothing is known of it. Give inputs (`data`) for which it holds some."
        )
        source = "What was not measured is not known"
        metric = f"runtime.{comparison.output}.elements"
        check = Check.make("parity.measured", metric, measured=0, limit=1, passed=False, source=source, message=message)
        found.append(check)
    return found


def _held_as(case: CaseName, parity: Parity, policy: Policy) -> tuple[CaseName, ...]:
    """The case names whose runtime-edge rules apply. If another runtime replaced the reference, a rule that asks for
    the usual reference's very bytes does not apply to it; that runtime's own rules apply. Exception: the runtime has
    the target's own kernels."""
    rule = policy.parity_rule("runtime", "max_lsb", case)
    has_its_kernels = rule is not None and rule.bytes_of == parity.reference
    if parity.yardstick not in ("outvoted", "stand-in") or has_its_kernels:
        return (case,)
    return case, replace(case, target=parity.reference)


@dataclass(frozen=True)
class EdgeRules:
    """The policy as one edge of one case sees it."""

    policy: Policy
    edge: Edge
    case: CaseName
    conditioning: Conditioning | None = None
    samples: int = 0
    """Number of samples over which outputs were compared."""
    is_sample: bool = False
    """Whether the golden has more samples than were compared."""

    def get(self, metric: ParityMetric, output: str = "", values: int = 0) -> ParityRule | None:
        """The rule for `metric`. With `output` and `values` (how many were compared), its limit follows from the
        conditioning. If the user set the SQNR limit, peaks are held to the usual limit."""
        rule = self.policy.parity_rule(self.edge, metric, self.case)
        noise = self.policy.parity_rule(self.edge, "sqnr_db", self.case)
        if rule is None or (noise is not None and not noise.conditioned):
            return rule
        return conditioned(rule, self._figures(output), self.conditioning, self.samples, values)

    def steps(self, output: str) -> ParityRule | None:
        """The limit in steps that follows from an output's conditioning; None where the usual rules stay. A user's own
        limits on steps go first."""
        usual = [self.policy.parity_rule(self.edge, metric, self.case) for metric in ("max_lsb", "amplified_lsb")]
        if any(rule is not None and not rule.conditioned for rule in usual):
            return None
        noise = self.policy.parity_rule(self.edge, "sqnr_db", self.case)
        return steps_rule(noise, self._figures(output), self.conditioning, self.samples)

    def step(self, output: str) -> float | None:
        """One step of an output in real units."""
        figures = self._figures(output)
        return None if figures is None else figures.step

    def _figures(self, output: str) -> OutputConditioning | None:
        return None if self.conditioning is None else self.conditioning.of(output)


def judge_edge(
    rules: EdgeRules,
    comparisons: Sequence[Comparison],
    samples: int,
    *,
    has_task: bool = False,
    own_integers: Collection[str] = (),
) -> list[Check]:
    """The checks of one edge's outputs, which were compared over that many samples.

    `has_task`: a task metric decides what changed answers cost. `own_integers`: outputs that are integers in the model
    itself.
    """
    checks = judge_misplaced_outputs(rules.edge, comparisons)
    for comparison in comparisons:
        checks += judge_sizes_held(comparison, rules.edge, samples)
        checks += _judge_output(comparison, rules, has_task, comparison.output in own_integers, samples)
    return checks


def _judge_output(
    comparison: Comparison, rules: EdgeRules, has_task: bool, own_integer: bool, samples: int
) -> list[Check]:
    """The checks of one output on one edge."""
    edge, output = rules.edge, comparison.output
    rule_name, metric = f"parity.{edge}.finite", f"{edge}.{output}.finite"
    if not comparison.finite:
        message = (
            f"{subject(rules.edge, comparison)} has a NaN, or an infinity where the other side has none, first"
            f"{place(comparison)}; no tolerance would pass."
        )
        return [Check.make(rule_name, metric, passed=False, source=_NEVER, message=message)]
    checks = [Check.make(rule_name, metric, passed=True, source=_NEVER)]
    if comparison.detection_of:
        return [*checks, *_judge_detections(comparison, rules, has_task)]
    if comparison.elements == 0 or comparison.max_abs == 0.0:
        return checks
    if own_integer:
        return [*checks, *_judge_own_integers(comparison, rules, samples)]
    if steps := rules.steps(output):
        checks.append(judge_steps(comparison, steps, rules.step(output)))
    else:
        within = False
        if comparison.max_lsb is not None:
            few, amplified = rules.get("max_lsb"), rules.get("amplified_lsb")
            within = few is not None and comparison.max_lsb <= few.bound
            rule = few if within else amplified or few
            if rule is not None:
                checks.append(judge_steps(comparison, rule))
        if within:
            return checks
    if rule := rules.get("sqnr_db", output, comparison.elements):
        checks.append(judge_sqnr(comparison, rule))
    # What has steps may be a whole one off where another value lies on a tie.
    rule = rules.get("peak", output, comparison.elements)
    if rule and not steps and not (rule in DEFAULT_PARITY and _is_one_step(comparison, rules.step(output))):
        checks.append(judge_peak(comparison, rule))
    # With labels the task metric says what a changed answer costs, and on the conversion edge it alone decides.
    rule = rules.get("top1_agreement")
    if rule and comparison.top1_agreement is not None and not (edge == "conversion" and has_task):
        trials = (comparison.answers or samples) if rules.is_sample else None
        checks.append(
            judge_agreement(comparison, comparison.top1_agreement, rule, _count_of_answers(comparison, samples), trials)
        )
    return checks


def _judge_own_integers(comparison: Comparison, rules: EdgeRules, samples: int) -> list[Check]:
    """An output that is an integer in the model itself (a class index): values agree or they do not."""
    rule = rules.get("top1_agreement")
    if rule is None:
        return []
    agreement = 0.0 if comparison.differing_share is None else 1.0 - comparison.differing_share
    return [judge_agreement(comparison, agreement, rule, _values(comparison, samples))]


def _judge_detections(comparison: Comparison, rules: EdgeRules, has_task: bool) -> list[Check]:
    """What is matched by overlap, told at the boxes; on the conversion edge a task metric alone decides."""
    rule = rules.get("top1_agreement")
    share = comparison.top1_agreement
    if rule is None or share is None or (rules.edge == "conversion" and has_task):
        return []
    return [judge_agreement(comparison, share, rule, f"{_counted(comparison.answers or 0, 'detection')} of both sides")]


def _is_one_step(comparison: Comparison, step: float | None) -> bool:
    """Whether no value is farther off than one step (to float32's rounding)."""
    return step is not None and comparison.max_abs is not None and comparison.max_abs <= 1.001 * step


def is_sample(parity: Parity) -> bool:
    """Whether fewer samples were compared than the golden has."""
    return parity.available is not None and parity.samples < parity.available


def _judge_latency(latency: Latency, policy: Policy) -> Check:
    unsteady = latency.state is SteadyState.NONE
    message = ""
    if unsteady:
        message = latency.details.get("steady_state") or "No steady state was found."
        message = f"The timing cannot be trusted. {message} Repeat on a quieter machine or with more iterations."
    passed = not (unsteady and policy.latency.require_steady)
    source = policy.latency.source
    return Check.make("latency.steady_state", "latency.state", passed=passed, source=source, message=message)


def _judge_sizes(case: CaseName, measured: Measured, policy: Policy) -> list[Check]:
    checks = []
    for budget in policy.budgets:
        if not budget.covers(case):
            continue
        figure = measured.figures.get(budget.figure)
        passed = figure is not None and figure <= budget.limit
        message = ""
        if figure is None:
            message = f"{budget.figure} has a budget of {budget.limit} but was not measured here."
        elif not passed:
            message = (
                f"{budget.figure} is {figure}, {figure - budget.limit} above the budget of {budget.limit}; "
                f"a budget of {figure} would have passed."
            )
        checks.append(
            Check.make(
                "budget",
                budget.figure,
                measured=figure,
                limit=budget.limit,
                passed=passed,
                source=budget.source,
                message=message,
            )
        )
    return checks


def _values(comparison: Comparison, samples: int) -> str:
    """`192 values (16 of 16 samples have some that differ)`."""
    values = _counted(comparison.elements, "value")
    if comparison.differing_samples is None:
        return values
    have = "has" if comparison.differing_samples == 1 else "have"
    return f"{values} ({comparison.differing_samples:,} of {_counted(samples, 'sample')} {have} some that differ)"


def _count_of_answers(comparison: Comparison, samples: int) -> str:
    """`500 samples`, or `8,192 rows of scores in 2 samples`."""
    if comparison.answers is None or comparison.answers == samples:
        return _counted(samples, "sample")
    return f"{comparison.answers:,} rows of scores in {_counted(samples, 'sample')}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
