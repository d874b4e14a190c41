"""The best cut is the one of least cost, whoever computes it."""

import itertools
import sys

import numpy as np
import pytest

from harness.latency.segmentation import best_segments


def cost(values, ends, penalty):
    parts = [values[begin:end] for begin, end in itertools.pairwise([0, *ends])]
    return sum(float(((part - part.mean()) ** 2).sum()) + penalty for part in parts)


def all_cuts(count, smallest):
    for size in range(count // smallest):
        for cut in itertools.combinations(range(smallest, count - smallest + 1), size):
            ends = [*cut, count]
            if all(end - begin >= smallest for begin, end in itertools.pairwise([0, *ends])):
                yield ends


@pytest.mark.parametrize("seed", range(20))
def test_no_other_cut_costs_less(seed):
    generator = np.random.default_rng(seed)
    values = generator.normal(size=10) + np.repeat(generator.normal(scale=4, size=5), 2) + 1000
    found = best_segments(values, 3.0, smallest=2)
    best = min(all_cuts(10, 2), key=lambda ends: cost(values, ends, 3.0))
    assert cost(values, found, 3.0) == pytest.approx(cost(values, best, 3.0), abs=1e-6)
    assert found == best


def test_steps_are_found_and_noise_is_not():
    generator = np.random.default_rng(1)
    noise = generator.normal(size=120)
    assert best_segments(noise, 4 * np.log(120), smallest=2) == [120]
    assert best_segments(noise + np.repeat([0, 8, 0], 40), 4 * np.log(120), smallest=2) == [40, 80, 120]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_short_series_is_one_segment(count):
    assert best_segments(np.arange(count, dtype=float) * 100, 1.0, smallest=2) == [count]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="ruptures has no wheels for this Python")
def test_it_is_what_ruptures_finds():
    import ruptures

    generator = np.random.default_rng(7)
    changed = 0
    for _ in range(300):
        count = int(generator.integers(6, 129))
        steps = np.repeat(generator.normal(scale=3, size=count), generator.integers(1, 30))[:count]
        values = generator.normal(size=count) + steps
        penalty = 4.0 * np.log(count)
        expected = ruptures.KernelCPD(kernel="linear", min_size=2).fit(values.reshape(-1, 1)).predict(pen=penalty)
        assert best_segments(values, penalty, smallest=2) == expected
        changed += len(expected) > 1
    assert changed > 100
