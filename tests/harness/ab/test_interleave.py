"""Two live sessions and one loop: fresh processes each round, both sides timed alike, whatever goes wrong named."""

import random

import numpy as np
import pytest

from harness.ab.block_plan import BlockPlan
from harness.ab.compare import compare_sides
from harness.ab.interleave import measure_round
from harness.ab.side import Side
from harness.errors import Crashed, Failed
from tests.harness.fakes.target import FakeTarget, steady

PLAN = BlockPlan(rounds=3, most_rounds=3, blocks=8, stage_seconds=1e9, seed=1)
INPUTS = {"x": np.zeros((2, 1, 4), np.float32)}


def test_both_sides_get_as_many_blocks_in_one_round(artifact):
    old, new = FakeTarget("fake/old"), FakeTarget("fake/new", samples_ns=steady(median_ns=1_070_000))
    found = measure_round(Side("old", old, artifact), Side("new", new, artifact), INPUTS, PLAN, random.Random(1))
    assert len(found.old_ns) == len(found.new_ns) == PLAN.blocks
    assert np.exp(np.median(found.log_ratios)) == pytest.approx(1.07, rel=0.01)


@pytest.mark.long
def test_seven_percent_are_found_and_confirmed_in_fresh_processes(artifact):
    old, new = FakeTarget("fake/old"), FakeTarget("fake/new", samples_ns=steady(median_ns=1_070_000, seed=1))
    finding = compare_sides(Side("old", old, artifact), Side("new", new, artifact), INPUTS, PLAN)
    assert finding.verdict == "slower"
    assert old.opened == new.opened == 6  # three rounds, and three to confirm


def test_one_side_that_dies_is_named(artifact):
    old, new = FakeTarget("fake/old"), FakeTarget("fake/new", {"time": "segfault"})
    with pytest.raises(Crashed, match="fake/new died of SIGSEGV"):
        measure_round(Side("old", old, artifact), Side("new", new, artifact), INPUTS, PLAN, random.Random(1))


def test_a_clock_that_does_not_move_is_named(artifact):
    frozen = FakeTarget("fake/new", samples_ns=[0] * 50)
    with pytest.raises(Failed, match="fake/new has a clock too coarse"):
        measure_round(
            Side("old", FakeTarget("fake/old"), artifact), Side("new", frozen, artifact), INPUTS, PLAN, random.Random(1)
        )


def test_equal_bytes_on_an_equal_runtime_are_one_side(artifact):
    assert Side("a", FakeTarget(), artifact).same_as(Side("b", FakeTarget(), artifact))
    assert not Side("a", FakeTarget(), artifact).same_as(Side("b", FakeTarget(script={"time": "rubbish"}), artifact))
