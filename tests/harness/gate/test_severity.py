"""Of several broken rules the one to name first is the gravest kind, and within it what is furthest off."""

import math

import pytest

from harness.gate.severity import times_beyond, worst, worst_first
from harness.store.record import Check


def check(rule, measured, limit, passed=False, metric=None):
    return Check.make(rule, metric or rule, passed=passed, source="a test", measured=measured, limit=limit)


@pytest.mark.parametrize(
    ("metric", "measured", "limit", "times"),
    [
        ("runtime.y.sqnr_db", 60.0, 80.0, 10.0),
        ("runtime.y.max_lsb", 38.0, 2.0, 19.0),
        ("runtime.y.peak", 0.3, 0.1, 3.0),
        ("runtime.y.top1_agreement", 0.62, 0.99, 38.0),
        ("budget", 10.0, 0.0, math.inf),
        ("runtime.y.finite", None, None, math.inf),
        ("runtime.y.sqnr_db", -1e9, 80.0, 1e300),
    ],
)
def test_rules_of_different_units_are_held_against_each_other_by_how_many_times_the_allowed_was_measured(
    metric, measured, limit, times
):
    assert times_beyond(check("parity.runtime.x", measured, limit, metric=metric)) == pytest.approx(times)


def test_the_furthest_off_is_named_and_not_the_first():
    first = check("parity.conversion.top1_agreement", 0.97, 0.98)
    worse = check("parity.runtime.sqnr_db", -2.6, 80.0)
    held = check("parity.runtime.peak", 0.1, 0.2, passed=True)
    assert worst([first, held, worse]) is worse
    assert worst_first([first, held, worse]) == [worse, first]
    assert worst([held]) is None


def test_a_wrong_answer_comes_before_any_cost_however_large_that_is():
    size = check("growth", 1e9, 1.0)
    budget = check("budget", 50.0, 1.0)
    lost = check("outcome", None, None)
    wrong = check("parity.runtime.max_lsb", 3.0, 2.0)
    not_finite = check("parity.runtime.finite", None, None)
    assert worst_first([budget, size, lost, wrong, not_finite]) == [not_finite, wrong, lost, size, budget]


@pytest.mark.parametrize("rule", ["runtime.as_asked", "runtime.half_precision"])
def test_why_a_runtimes_numbers_are_wrong_is_named_before_them_and_after_a_conversions(rule):
    not_finite, wrong = check("parity.runtime.finite", None, None), check("parity.runtime.sqnr_db", 3.0, 80.0)
    cause, conversion = check(rule, None, None), check("parity.conversion.finite", None, None)
    assert worst_first([wrong, not_finite, cause, conversion]) == [conversion, cause, not_finite, wrong]
