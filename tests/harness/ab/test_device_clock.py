"""Sides with a clock of their own are timed whole, one after the other: few starts, and the same verdicts."""

import numpy as np
import pytest

from harness.ab.block_plan import BlockPlan
from harness.ab.by_operator import changed_operators
from harness.ab.compare import compare_sides
from harness.ab.side import Side
from harness.errors import Failed
from tests.harness.fakes.target import FakeTarget

PLAN = BlockPlan(seed=1)
INPUTS = {"x": np.zeros((2, 1, 4), np.float32)}


class Counting(FakeTarget):
    own_clock = True


def cycles(median_ns, count=64):
    """Cycles hardly scatter: one in a thousand."""
    return median_ns + np.random.default_rng(median_ns).integers(-median_ns // 1000, median_ns // 1000, count)


@pytest.mark.parametrize(
    ("new_ns", "verdict", "starts"), [(1_030_000, "slower", 4), (1_000_900, "alike", 2), (950_000, "faster", 4)]
)
@pytest.mark.long
def test_few_starts_decide(artifact, new_ns, verdict, starts):
    old = Counting("fake/old", samples_ns=cycles(1_000_000))
    new = Counting("fake/new", samples_ns=cycles(new_ns))
    finding = compare_sides(Side("old", old, artifact), Side("new", new, artifact), INPUTS, PLAN)
    assert finding.verdict == verdict
    assert old.opened == new.opened == starts
    assert finding.ratio.ratio == pytest.approx(new_ns / 1e6, rel=1e-3)


def test_a_side_without_such_a_clock_is_timed_in_turns(artifact):
    old, new = Counting("fake/old", samples_ns=cycles(1_000_000)), FakeTarget("fake/new")
    plan = BlockPlan(rounds=1, most_rounds=1, fewest_rounds=1, blocks=8, seed=1)
    finding = compare_sides(Side("old", old, artifact), Side("new", new, artifact), INPUTS, plan)
    assert len(finding.rounds[0].old_ns) == 8


def test_too_few_timings_are_said_so(artifact):
    old, new = Counting("fake/old", samples_ns=cycles(1_000_000, 3)), Counting("fake/new")
    with pytest.raises(Failed, match="fake/old gave 3 timings in 30 s, too few to compare"):
        compare_sides(Side("old", old, artifact), Side("new", new, artifact), INPUTS, PLAN)


def test_such_a_side_is_not_started_once_more_for_its_operators_which_it_does_not_time(artifact):
    old, new = Counting("fake/old"), FakeTarget("fake/new")
    assert changed_operators(Side("old", old, artifact), Side("new", new, artifact), INPUTS, PLAN) == ()
    assert old.opened == new.opened == 0
