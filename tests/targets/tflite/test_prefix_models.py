"""The parts of a model, timed in turns."""

import numpy as np

from harness.latency.operator_times import operator_times
from harness.target import OperatorTimes
from harness_targets.tflite.prefix_models import time_interleaved


def test_every_part_has_its_turn_in_every_round_and_no_order_is_the_rule():
    turns = []
    calls = [lambda place=index: turns.append(place) for index in range(4)]
    times = time_interleaved(calls, seconds=0.0)
    assert times.shape == (9, 4), "some rounds, however short the time"
    rounds = [turns[at : at + 16] for at in range(0, len(turns), 16)]
    assert all(sorted(one) == sorted([0, 1, 2, 3] * 4) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1


def test_what_an_operator_takes_is_what_it_adds_in_the_same_round():
    """A machine that is slower for a while slows both parts."""
    slow = np.array([1, 1, 1, 5, 5, 1, 1, 1, 1])
    times = OperatorTimes(("CONV_2D", "RELU"), np.stack([100 * slow, 130 * slow], axis=1))
    first, second = operator_times(times)
    assert (first.index, first.operator, first.nanoseconds) == (0, "CONV_2D", 100.0)
    assert second.nanoseconds == 30.0
    assert second.low <= 30.0 <= second.high


def test_an_operator_that_takes_nothing_has_an_interval_around_zero():
    drawn = np.random.default_rng(0)
    before = 1000 + drawn.integers(0, 20, 200)
    times = OperatorTimes(("CONV_2D", "SOFTMAX"), np.stack([before, 1000 + drawn.integers(0, 20, 200)], axis=1))
    _, nothing = operator_times(times)
    assert nothing.low <= 0.0 <= nothing.high
