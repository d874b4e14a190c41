"""Which operator a change is in, from times of operators in turns."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from harness.ab import by_operator
from harness.ab.block_plan import BlockPlan
from harness.ab.by_operator import LOOKS, PAIRS, changed_operators, find_changed
from harness.ab.side import Side
from harness.target import OperatorSamples, Timing
from tests.harness.fakes.raising import RaisingTarget

OPERATORS = {("Conv2D", "1×32×32×16"): 40_000.0, ("Conv2D", "1×16×16×32"): 60_000.0, ("Softmax", "1×10"): 4_000.0}
MARGIN, CONFIDENCE = 0.02, 0.95


def found_in(slower, seed, noise=0.02, bias=0.0):
    """What is found in rounds of made-up times. The machine's pace goes up and down by a third, for both blocks of a
    pair alike; `bias`: of each operator in each process, for all blocks of that one."""
    generator = np.random.default_rng(seed)

    def one_round():
        biases = [{key: generator.lognormal(0.0, bias) for key in OPERATORS} for _ in range(2)]

        def pair():
            pace = generator.uniform(1.0, 1.33)

            def times(factors, leaning):
                return {
                    key: pace * factors.get(key, 1.0) * leaning[key] * time * generator.lognormal(0.0, noise)
                    for key, time in OPERATORS.items()
                }

            return times({}, biases[0]), times(slower, biases[1])

        return [pair() for _ in range(PAIRS)]

    return find_changed(lambda look: one_round(), MARGIN, CONFIDENCE)


@pytest.mark.parametrize("seed", range(8))
def test_a_slowdown_of_a_tenth_in_one_operator_is_named_by_operator_and_shape(seed):
    (found,) = found_in({("Conv2D", "1×16×16×32"): 1.10}, seed)
    assert (found.operator, found.shape) == ("Conv2D", "1×16×16×32")
    assert found.low < 1.10 < found.high
    assert found.share == pytest.approx(60 / 104, abs=0.03)


def test_nothing_is_named_where_nothing_changed():
    named = [found for seed in range(40) for found in found_in({}, seed)]
    assert named == []


def test_nothing_is_named_for_the_bias_that_each_process_has():
    """Equal sides: 2 of 100 trials is what the confidence of 95 % for all operators, and the margin, leave."""
    named = [found_in({}, seed, bias=0.05) for seed in range(100)]
    assert sum(map(bool, named)) <= 2


def test_a_slowdown_of_a_tenth_is_found_through_that_bias_more_often_than_not():
    slower = {("Conv2D", "1×16×16×32"): 1.10}
    found = [found_in(slower, seed, bias=0.05) for seed in range(40)]
    assert sum(any(one.operator == "Conv2D" for one in named) for named in found) > 30


def test_what_weighs_most_comes_first():
    slower = {("Softmax", "1×10"): 2.0, ("Conv2D", "1×16×16×32"): 1.5}
    found = found_in(slower, 0)
    assert [one.operator for one in found] == ["Conv2D", "Softmax"]


def test_an_operator_below_the_clocks_step_or_on_one_side_alone_says_nothing():
    pairs = [({("Reshape", ""): 0.0, ("Add", ""): 10.0}, {("Reshape", ""): 5.0, ("Mul", ""): 10.0})] * PAIRS
    assert find_changed(lambda look: pairs, MARGIN, CONFIDENCE) == ()


class Telling(RaisingTarget):
    """Says what its operators take: a convolution, so many nanoseconds, and a softmax."""

    def __init__(self, name, convolution_ns):
        super().__init__(name)
        self.convolution_ns, self.opened = convolution_ns, 0

    @contextmanager
    def open(self, artifact, limits=None):
        self.opened += 1
        yield SimpleNamespace(time=lambda samples, plan: self.timing())

    def timing(self):
        kinds = (("Conv2D", self.convolution_ns), ("Softmax", 4_000.0))
        told = tuple(OperatorSamples(name, "", 1, np.full(3, nanoseconds)) for name, nanoseconds in kinds)
        return Timing(samples_ns=np.array([100_000]), first_ns=1, per_operator=told)


def test_the_operator_that_became_slower_is_found_in_two_live_sides(artifact):
    old, new = Telling("fake/old", 40_000.0), Telling("fake/new", 50_000.0)
    (found,) = changed_operators(Side("old", old, artifact), Side("new", new, artifact), {}, BlockPlan(seed=1))
    assert (found.operator, found.ratio) == ("Conv2D", pytest.approx(1.25))
    assert old.opened == new.opened == LOOKS[0]


def test_more_processes_are_begun_only_where_something_may_have_changed():
    asked = []
    times = {("Conv2D", ""): 10.0}

    def draw(look, after):
        asked.append(look)
        return [(times, {key: time * after for key, time in times.items()})] * PAIRS

    find_changed(lambda look: draw(look, 1.01), MARGIN, CONFIDENCE)
    assert len(asked) == LOOKS[0]
    asked.clear()
    assert find_changed(lambda look: draw(look, (0.9, 1.3)[len(asked) % 2]), MARGIN, CONFIDENCE) == ()
    assert len(asked) == LOOKS[-1]


def test_what_would_take_too_long_is_left_out_after_the_first_pair(artifact, monkeypatch):
    monkeypatch.setattr(by_operator, "MOST_SECONDS", 0.0)
    old, new = Telling("fake/old", 40_000.0), Telling("fake/new", 50_000.0)
    assert changed_operators(Side("old", old, artifact), Side("new", new, artifact), {}, BlockPlan(seed=1)) == ()
    assert old.opened == 1
