"""The rule: slower only if the whole interval is above the margin, with rounds as clusters."""

import random

import numpy as np
import pytest

from harness.ab.block_plan import BlockPlan, blocks_of, iterations_of
from harness.ab.compare import compare_rounds
from harness.ab.decide import Finding, decide, interval
from harness.ab.interleave import Round


def made_up_round(random_numbers, slowdown=0.0, bias=0.004, noise=0.05, blocks=20):
    """A round of a shared machine: a bias of its two processes, noise of each block, and drift that both sides see."""
    drift = np.exp(0.3 * random_numbers.normal(size=blocks))
    old = 1e6 * drift * np.exp(noise * random_numbers.normal(size=blocks))
    new = 1e6 * drift * np.exp(noise * random_numbers.normal(size=blocks) + random_numbers.normal(0.0, bias))
    return Round(old, new * (1.0 + slowdown), 5)


def rounds(seed, count=6, **how):
    random_numbers = np.random.default_rng(seed)
    return [made_up_round(random_numbers, **how) for _ in range(count)]


def test_a_slowdown_well_beyond_the_margin_is_slower_and_a_speedup_faster():
    assert decide(rounds(1, slowdown=0.07), 0.02, 0.95).verdict == "slower"
    assert decide(rounds(1, slowdown=-0.07), 0.02, 0.95).verdict == "faster"


def test_no_difference_is_alike_however_much_the_machine_drifts():
    result = decide(rounds(2, noise=0.02), 0.02, 0.95)
    assert result.verdict == "alike"
    assert result.low <= result.ratio <= result.high


def test_a_bias_of_the_processes_widens_the_interval_as_more_blocks_do_not():
    few = decide(rounds(3, bias=0.03, blocks=20), 0.02, 0.95)
    many = decide(rounds(3, bias=0.03, blocks=200), 0.02, 0.95)
    assert many.high - many.low > 0.3 * (few.high - few.low)


def test_the_interval_is_the_same_for_the_same_rounds():
    logs = [item.log_ratios for item in rounds(4)]
    assert interval(logs, 0.95) == interval(logs, 0.95)


def test_rounds_of_unequal_length_are_taken_as_they_are():
    mixed = [*rounds(5, 3, slowdown=0.2), *rounds(6, 3, slowdown=0.2, blocks=7)]
    assert decide(mixed, 0.02, 0.95).verdict == "slower"


@pytest.mark.long
def test_the_interval_of_the_median_holds_it_as_often_as_promised():
    # A quarter of a bias per block of noise: the case that a plain bootstrap over blocks gets wrong.
    held = sum(low <= 0.0 <= high for low, high in (
        interval([item.log_ratios for item in rounds(seed, bias=0.01, noise=0.04)], 0.95) for seed in range(200)
    ))  # fmt: skip
    assert held / 200 > 0.86  # six clusters cost some of the 95 %: the confirmation makes up for it


def test_nothing_is_decided_by_a_handful_of_blocks():
    assert decide(rounds(7, 1, slowdown=0.5, blocks=4), 0.02, 0.95).verdict == "undecided"
    with pytest.raises(ValueError):
        decide([], 0.02, 0.95)


PLAN = BlockPlan(rounds=4, most_rounds=8, stage_seconds=1e9, seed=1)


def scripted(*stages):
    """Rounds with the slowdown of each stage in turn, and how many were asked for."""
    random_numbers, count = np.random.default_rng(8), [0]

    def measure(order: random.Random):
        stage = min(count[0] // PLAN.rounds, len(stages) - 1)
        count[0] += 1
        return made_up_round(random_numbers, stages[stage], noise=0.005, bias=0.001)

    return measure, count


def test_slower_is_said_once_fresh_processes_confirm_it():
    measure, count = scripted(0.07, 0.07)
    finding = compare_rounds(measure, PLAN)
    assert (finding.verdict, count[0]) == ("slower", 8)
    assert finding.ratio is finding.confirmation


def test_what_fresh_processes_do_not_confirm_is_undecided():
    finding = compare_rounds(scripted(0.07, 0.0)[0], PLAN)
    assert finding.verdict == "undecided"
    assert finding.first.verdict == "slower"


def test_alike_needs_no_confirmation():
    measure, count = scripted(0.0)
    assert compare_rounds(measure, PLAN).verdict == "alike"
    assert count[0] == PLAN.rounds


def test_more_rounds_are_measured_while_it_is_undecided_and_no_more_than_allowed():
    measure, count = scripted(0.02)  # on the limit: never decided
    assert compare_rounds(measure, PLAN).verdict == "undecided"
    assert count[0] == PLAN.most_rounds


def test_where_the_time_is_up_the_fewest_rounds_have_to_do():
    measure, count = scripted(0.0)
    compare_rounds(measure, BlockPlan(rounds=6, fewest_rounds=3, stage_seconds=0.0, seed=1))
    assert count[0] == 3


@pytest.mark.parametrize(
    ("median_ms", "iterations", "blocks"), [(0.001, 1000, 20), (0.2, 15, 20), (1.7, 5, 20), (35, 2, 20), (300, 1, 6)]
)
def test_blocks_are_short_for_quick_models_and_few_for_slow_ones(median_ms, iterations, blocks):
    plan = BlockPlan()
    found = iterations_of(plan, median_ms)
    assert found == pytest.approx(iterations, abs=1)
    assert blocks_of(plan, found, median_ms) == pytest.approx(blocks, abs=2)


def test_the_times_that_are_shown_have_the_ratio_that_decides_between_them():
    """As seen: the machine slowed down between the stages, and the new side, 5.4 % faster in every pair, had the larger
    median of all its blocks."""
    quick = Round(np.full(10, 13.6e6), np.full(10, 13.6e6 * 0.946), 5)
    slow = Round(np.full(11, 14.6e6), np.full(11, 14.6e6 * 0.946), 5)
    mixed = (
        Round(quick.old_ns, quick.new_ns, 5),
        Round(np.r_[quick.old_ns, np.full(1, 99e6)], np.r_[quick.new_ns, np.full(1, 14.0e6)], 5),
    )
    for rounds in ((quick, slow), mixed):
        finding = Finding("faster", decide(rounds, 0.02, 0.95), None, 1.0, rounds)
        old, new = finding.sides_ns
        assert new / old == pytest.approx(finding.ratio.ratio)
    confirmed = Finding("faster", decide([quick], 0.02, 0.95), decide([slow], 0.02, 0.95), 1.0, (quick, slow))
    assert confirmed.sides_ns[0] == pytest.approx(14.6e6)
