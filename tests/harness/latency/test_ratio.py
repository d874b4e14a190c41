"""Two sides, measured in interleaved blocks."""

import numpy as np
import pytest

from harness.latency.ratio import FEWEST_BLOCKS, compare_blocks

from .series import noise

TRIALS = 100


def trial(seed, slower, blocks=40, iterations=5):
    """Both sides out of one noisy series, in random order within each block."""
    pairs = noise(2 * blocks * iterations, seed, memory=0.9, bursts=2).reshape(blocks, 2, iterations)
    first = np.random.default_rng(seed).random(blocks)[:, None] < 0.5
    old, new = np.where(first, pairs[:, 0], pairs[:, 1]), np.where(first, pairs[:, 1], pairs[:, 0])
    return old, new * (1.0 + slower)


def verdicts(slower):
    return [compare_blocks(*trial(seed, slower)).verdict for seed in range(TRIALS)]


def test_equal_sides_raise_no_alarm():
    found = verdicts(0.0)
    assert found.count("slower") + found.count("faster") <= 1
    assert found.count("alike") >= 0.9 * TRIALS


def test_five_percent_is_found():
    assert verdicts(0.05).count("slower") >= 0.97 * TRIALS


def test_a_difference_of_the_margin_itself_is_seldom_called():
    assert verdicts(0.02).count("slower") <= 0.06 * TRIALS


def test_faster_is_the_mirror_of_slower():
    old, new = trial(1, 0.1)
    there, back = compare_blocks(old, new), compare_blocks(new, old)
    assert (there.verdict, back.verdict) == ("slower", "faster")
    assert back.ratio == pytest.approx(1.0 / there.ratio)


def test_figures():
    old, new = trial(2, 0.1)
    result = compare_blocks(old, new, margin=0.03)
    assert result.low <= result.ratio <= result.high
    assert result.ratio == pytest.approx(1.1, abs=0.02)
    assert (result.blocks, result.margin, result.confidence) == (40, 0.03, 0.95)
    assert result == compare_blocks(old, new, margin=0.03)


def test_one_spoilt_block_or_sample_changes_nothing():
    old, new = trial(3, 0.0)
    new[7] *= 20.0
    new[9, 2] *= 100.0
    assert compare_blocks(old, new).verdict == "alike"


def test_few_blocks_are_never_decided():
    old, new = trial(4, 1.0, blocks=FEWEST_BLOCKS - 1)
    assert compare_blocks(old, new).verdict == "undecided"


def test_a_wide_interval_is_undecided():
    random = np.random.default_rng(0)
    old, new = (np.exp(random.normal(0.0, 1.0, (40, 5))) for _ in range(2))
    assert compare_blocks(old, new).verdict == "undecided"


def test_sides_that_do_not_pair_or_are_no_times_are_refused():
    ones = np.ones((10, 5))
    for old, new in [
        (ones, ones[:5]),
        (ones, ones[0]),
        (ones[:0], ones[:0]),
        (ones, 0.0 * ones),
        (ones, np.nan * ones),
    ]:
        with pytest.raises(ValueError):
            compare_blocks(old, new)
    with pytest.raises(ValueError):
        compare_blocks(ones, ones, margin=-0.1)
    assert compare_blocks(ones, np.ones((10, 3))).verdict == "alike"
