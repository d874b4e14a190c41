"""One rule on one output: the check, and a message that says how far off it is and which limit would have passed."""

from __future__ import annotations

import math

from harness.gate.policy import Edge, ParityRule
from harness.store.record import Check, Comparison


def judge_sizes_held(comparison: Comparison, edge: Edge, samples: int) -> list[Check]:
    """Whether both sides hold as many values, of an output whose size depends on the data."""
    if comparison.other_sizes is None:
        return []
    message = ""
    if comparison.other_sizes:
        message = (
            f"{subject(edge, comparison)} has another size in {comparison.other_sizes} of {samples:,} samples, "
            f"{comparison.sizes_note}; what both hold was compared."
        )
    return [
        Check.make(
            f"parity.{edge}.sizes",
            f"{edge}.{comparison.output}.other_sizes",
            measured=comparison.other_sizes,
            limit=0,
            passed=not comparison.other_sizes,
            source="As many rows are a part of the answer: one that is missing is off by all of itself",
            message=message,
        )
    ]


def judge_steps(comparison: Comparison, rule: ParityRule, step: float | None = None) -> Check:
    """Stored integers, or floats that are multiples of `step`."""
    measured: float = comparison.max_lsb or 0
    if comparison.max_lsb is None and step and comparison.max_abs is not None:
        measured = round(comparison.max_abs / step, 2)
    passed = measured <= rule.bound
    message = ""
    if not passed:
        share = comparison.differing_share
        message = (
            f"{subject(rule.edge, comparison)} differs by up to {measured:g} LSB, {measured - rule.bound:g} more than "
            f"the {rule.bound:g} allowed,{place(comparison)}"
            + (f" ({share:.1%} of {comparison.elements:,} values differ)" if share is not None else "")
            + f"; a limit of {measured:g} LSB would have passed."
        )
    return _parity_check(comparison, rule, measured, passed, message)


def judge_sqnr(comparison: Comparison, rule: ParityRule) -> Check:
    """The error beside the signal, over all values."""
    measured = comparison.sqnr_db
    if measured is None:
        return _judge_without_signal(comparison, rule, 10.0 ** (-rule.bound / 20.0))
    passed = measured >= rule.bound
    message = ""
    if not passed:
        message = (
            f"{subject(rule.edge, comparison)} has an SQNR of {measured:.1f} dB, {rule.bound - measured:.1f} dB short "
            f"of the {rule.bound:.4g} dB asked for; the largest error is {_figure(comparison.max_abs)}"
            f"{place(comparison)}. A limit of {_rounded_down(measured)} dB would have passed (or an allclose "
            f"tolerance of {_figure(comparison.smallest_tolerance)})."
        )
    return _parity_check(comparison, rule, measured, passed, message)


def _judge_without_signal(comparison: Comparison, rule: ParityRule, allowed: float) -> Check:
    """The reference is zero everywhere (or beyond float64), so no relative figure exists: the allclose tolerance, which
    is absolute near zero, takes its place."""
    tolerance = comparison.smallest_tolerance
    passed = tolerance is not None and tolerance <= allowed
    message = ""
    if not passed:
        message = (
            f"{subject(rule.edge, comparison)} should be zero everywhere and is off by up to "
            f"{_figure(comparison.max_abs)}{place(comparison)}; the limit stands for an allclose tolerance of "
            f"{allowed:.3g}, and {_figure(tolerance)} would have passed."
        )
    return _parity_check(comparison, rule, None, passed, message)


def judge_peak(comparison: Comparison, rule: ParityRule) -> Check:
    """The largest error beside the signal's root mean square."""
    signal = _signal(comparison)
    if signal is None:
        return _judge_without_signal(comparison, rule, rule.bound)
    measured = (comparison.max_abs if comparison.max_abs is not None else math.inf) / signal
    passed = measured <= rule.bound
    message = ""
    if not passed:
        message = (
            f"{subject(rule.edge, comparison)} is off by up to {_figure(comparison.max_abs)}, {measured:.3g} of the "
            f"reference's root mean square ({signal:.3g}) and {measured / rule.bound:.3g} times the {rule.bound:.3g} "
            f"allowed,{place(comparison)}; a limit of {_rounded_up(measured)} would have passed (or an allclose "
            f"tolerance of {_figure(comparison.smallest_tolerance)})."
        )
    return _parity_check(comparison, rule, measured, passed, message)


def fewest_changed(changed: int, trials: int) -> float:
    """The least share of answers that may change, if `changed` of `trials` did: the lower end of the one-sided 95 %
    interval (Clopper and Pearson, Biometrika 26, 1934)."""
    from scipy.special import betaincinv  # of `scipy.stats.beta`, which takes a second longer to load

    return float(betaincinv(changed, trials - changed + 1, 0.05)) if changed else 0.0


def judge_agreement(
    comparison: Comparison, agreement: float, rule: ParityRule, of_what: str, trials: int | None = None
) -> Check:
    """`of_what`: what `agreement` is a share of, in words. `trials`: of how many answers, where they are a sample of
    those that the rule is about: then it is broken where even the interval of the share is beyond the limit."""
    passed = agreement >= rule.bound
    message = ""
    if not passed and trials is not None:
        changed = round((1.0 - agreement) * trials)
        if fewest_changed(changed, trials) <= 1.0 - rule.bound:
            message = (
                f"{subject(rule.edge, comparison)} gives another answer for {changed} of {trials} inputs, too few to "
                f"tell whether more than {1.0 - rule.bound:.1%} change: undecided. A larger `--budget` or `samples` "
                "decides."
            )
            return _parity_check(comparison, rule, agreement, True, message)
    if not passed:
        message = (
            f"{subject(rule.edge, comparison)} gives another answer for {1.0 - agreement:.1%} of {of_what}, "
            f"where {1.0 - rule.bound:.1%} may change; the largest error is {_figure(comparison.max_abs)}"
            f"{place(comparison)}. A limit of {math.floor(agreement * 1e4) / 1e4:g} would have passed."
        )
    return _parity_check(comparison, rule, agreement, passed, message)


def _parity_check(
    comparison: Comparison, rule: ParityRule, measured: float | None, passed: bool, message: str
) -> Check:
    name = f"parity.{rule.edge}.{rule.metric}"
    metric = f"{rule.edge}.{comparison.output}.{rule.metric}"
    return Check.make(
        name, metric, measured=measured, limit=rule.bound, passed=passed, source=rule.source, message=message
    )


def _signal(comparison: Comparison) -> float | None:
    """Root mean square of the reference output, which the record holds implicitly; None where it is zero."""
    if comparison.sqnr_db is None or comparison.rmse is None:
        return None
    return float(comparison.rmse * 10.0 ** (comparison.sqnr_db / 20.0))


def subject(edge: Edge, comparison: Comparison) -> str:
    """What a message is about: `Runtime: output 'y' against the reference interpreter`."""
    against = "the float32 golden" if edge == "conversion" else "the reference interpreter"
    return f"{edge.capitalize()}: output {comparison.output!r} against {against}"


def place(comparison: Comparison) -> str:
    """Where the worst value is: ` at sample 3, index [0, 7]`; empty where that is not known."""
    if comparison.worst_sample is None:
        return ""
    index = f", index {list(comparison.worst_index)}" if comparison.worst_index else ""
    return f" at sample {comparison.worst_sample}{index}"


def _figure(value: float | None) -> str:
    return "an unknown amount" if value is None else f"{value:.3g}"


def _rounded_down(value: float) -> str:
    return f"{math.floor(value * 10.0) / 10.0:g}"


def _rounded_up(value: float) -> str:
    """Three significant digits, not below `value`: a suggested limit must really pass."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    return f"{math.ceil(value / unit) * unit:.3g}"
