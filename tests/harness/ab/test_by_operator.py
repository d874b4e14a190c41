"""Which operator a change is in, from times of operators in turns."""

import numpy as np
import pytest

from harness.ab.by_operator import compare_times

OPERATORS = {("Conv2D", "1×32×32×16"): 40_000.0, ("Conv2D", "1×16×16×32"): 60_000.0, ("Softmax", "1×10"): 4_000.0}
MARGIN, CONFIDENCE = 0.02, 0.95


def rounds(slower, seed, noise=0.02):
    """Two rounds of twelve pairs; the machine's pace goes up and down by a third, for both blocks of a pair alike."""
    generator = np.random.default_rng(seed)

    def pair():
        pace = generator.uniform(1.0, 1.33)

        def times(factors):
            return {
                key: pace * factors.get(key, 1.0) * time * generator.lognormal(0.0, noise)
                for key, time in OPERATORS.items()
            }

        return times({}), times(slower)

    return [[pair() for _ in range(12)] for _ in range(2)]


@pytest.mark.parametrize("seed", range(8))
def test_a_slowdown_of_a_tenth_in_one_operator_is_named_by_operator_and_shape(seed):
    (found,) = compare_times(rounds({("Conv2D", "1×16×16×32"): 1.10}, seed), MARGIN, CONFIDENCE)
    assert (found.operator, found.shape) == ("Conv2D", "1×16×16×32")
    assert found.low < 1.10 < found.high
    assert found.share == pytest.approx(60 / 104, abs=0.03)


def test_nothing_is_named_where_nothing_changed():
    named = [found for seed in range(40) for found in compare_times(rounds({}, seed), MARGIN, CONFIDENCE)]
    assert named == []


def test_what_weighs_most_comes_first():
    slower = {("Softmax", "1×10"): 2.0, ("Conv2D", "1×16×16×32"): 1.5}
    found = compare_times(rounds(slower, 0), MARGIN, CONFIDENCE)
    assert [one.operator for one in found] == ["Conv2D", "Softmax"]


def test_an_operator_below_the_clocks_step_or_on_one_side_alone_says_nothing():
    pairs = [[({("Reshape", ""): 0.0, ("Add", ""): 10.0}, {("Reshape", ""): 5.0, ("Mul", ""): 10.0})] * 12] * 2
    assert compare_times(pairs, MARGIN, CONFIDENCE) == ()
