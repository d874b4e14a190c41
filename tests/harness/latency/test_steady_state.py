"""What a run did over time. Rates are measured over seeds, and bounded here well below what was measured."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from harness.latency.steady_state import FEWEST, classify
from harness.store.record import SteadyState

from .series import noise, warming_up

pytestmark = pytest.mark.long
SEEDS = 60


def states(make):
    return Counter(classify(make(seed)).state for seed in range(SEEDS))


def share(make, *wanted):
    found = states(make)
    return sum(found[state] for state in wanted) / SEEDS


@pytest.mark.parametrize("count", [100, 300, 1000, 2000])
def test_jitter_and_spikes_alone_are_flat(count):
    assert share(lambda seed: noise(count, seed, bursts=0), SteadyState.FLAT) >= 0.97


@pytest.mark.parametrize("count", [1000, 2000])
def test_bursts_of_other_work_are_disturbances(count):
    assert share(lambda seed: noise(count, seed, bursts=3 * count // 1000), SteadyState.FLAT) >= 0.95


def test_a_flat_run_keeps_nearly_all_of_its_samples():
    begins = [classify(noise(2000, seed)).begin for seed in range(SEEDS)]
    assert np.quantile(begins, 0.9) <= 100


@pytest.mark.parametrize(("length", "factor"), [(5, 10.0), (20, 3.0), (50, 5.0), (100, 2.0), (300, 2.0)])
def test_a_decaying_warm_up_is_found_and_discarded(length, factor):
    parts = [classify(warming_up(noise(2000, seed, bursts=0), length, factor)) for seed in range(SEEDS)]
    assert sum(part.state is SteadyState.WARMUP for part in parts) / SEEDS >= 0.95
    for part in parts:
        # Little is left of a decaying warm-up at the cut, and no large part of the run goes with it.
        excess = (factor - 1.0) * np.exp(-3.0 * part.begin / length) if part.begin < length else 0.0
        assert excess <= max(0.1, 0.15 * (factor - 1.0))
        assert part.begin <= length + 0.1 * 2000


@pytest.mark.parametrize(("length", "factor"), [(20, 3.0), (100, 2.0)])
def test_a_warm_up_among_bursts_is_discarded_whatever_it_is_called(length, factor):
    begins = [classify(warming_up(noise(2000, seed), length, factor)).begin for seed in range(SEEDS)]
    assert np.quantile(begins, 0.1) >= 0.5 * length


def test_a_warm_up_of_most_of_the_run_leaves_no_steady_state():
    found = states(lambda seed: noise(2000, seed) * np.exp(np.linspace(1.0, 0.0, 2000)))
    assert found[SteadyState.FLAT] == 0
    assert found[SteadyState.NONE] >= 0.9 * SEEDS


@pytest.mark.parametrize("size", [0.1, 0.2, 0.5])
def test_drift_is_not_flat(size):
    def make(seed):
        return noise(2000, seed) * np.exp(np.linspace(0.0, np.log1p(size), 2000))

    assert share(make, SteadyState.NONE, SteadyState.SLOWDOWN) >= 0.9


def test_a_drift_of_half_has_no_steady_state():
    assert share(lambda s: noise(2000, s) * 1.5 ** np.linspace(0.0, 1.0, 2000), SteadyState.NONE) >= 0.8


@pytest.mark.parametrize("size", [0.07, 0.2])
def test_a_step_up_is_a_slow_down_and_a_step_down_a_warm_up(size):
    first = np.arange(2000) < 800
    assert share(lambda s: noise(2000, s) * np.where(first, 1.0, 1.0 + size), SteadyState.SLOWDOWN) >= 0.95
    assert share(lambda s: noise(2000, s) * np.where(first, 1.0 + size, 1.0), SteadyState.WARMUP) >= 0.95


def test_the_step_is_placed_within_two_hundredths_of_the_run():
    part = classify(noise(2000, 3, bursts=0) * np.where(np.arange(2000) < 800, 1.2, 1.0))
    assert part.begin == pytest.approx(800, abs=40)


def test_a_level_that_swings_to_and_fro_is_never_steady():
    swing = 1.0 + 0.2 * (np.sin(np.arange(2000) * 2.0 * np.pi / 500.0) > 0.0)
    assert share(lambda seed: noise(2000, seed) * swing, SteadyState.NONE) >= 0.95


def test_a_change_that_has_not_come_back_at_the_end_is_no_steady_state():
    late = np.where(np.arange(2000) < 1600, 1.0, 1.3)
    assert share(lambda seed: noise(2000, seed, bursts=0) * late, SteadyState.NONE) >= 0.95


@pytest.mark.parametrize("count", [0, 1, FEWEST - 1])
def test_too_few_samples_show_nothing_and_say_so(count):
    part = classify(np.ones(count))
    assert (part.state, part.begin) == (SteadyState.NONE, 0)
    assert "too few" in part.explanation


@pytest.mark.parametrize("count", [FEWEST, 17, 100, 5000])
def test_a_constant_series_is_flat(count):
    assert classify(np.full(count, 1000)).state is SteadyState.FLAT


def test_a_clock_too_coarse_for_the_model_does_no_harm():
    ticks = np.random.default_rng(0).integers(0, 2, 500) * 100_000
    assert classify(ticks).begin < 250
    assert classify(np.zeros(100, dtype=np.int64)).state is SteadyState.FLAT


def test_levels_one_step_of_the_clock_apart_are_alike():
    first = np.arange(2000) < 800
    jitter = np.random.default_rng(0).random(2000) < 0.2
    ticks = 5000 * (np.where(first, 3, 2) + jitter)
    assert classify(ticks).state is SteadyState.WARMUP
    assert classify(ticks, clock_resolution=5000.0).state is SteadyState.FLAT
    assert classify(ticks * np.where(first, 5, 1), clock_resolution=5000.0).state is SteadyState.WARMUP


def test_samples_that_cannot_be_times_are_refused():
    for bad in (np.nan, np.inf, -1.0):
        with pytest.raises(ValueError):
            classify(np.array([1.0] * 30 + [bad]))


@given(arrays(np.int64, some.integers(0, 200), elements=some.integers(0, 10**12)))
def test_any_series_gets_a_class_and_a_begin_inside_it(samples):
    part = classify(samples)
    assert 0 <= part.begin <= 0.76 * len(samples)
    assert part == classify(samples.copy())
    assert part.begin == 0 or part.state is not SteadyState.NONE


@given(some.integers(0, 50), some.floats(0.01, 1000.0))
def test_the_unit_of_time_does_not_matter(seed, factor):
    series = warming_up(noise(300, seed), 20, 5.0)
    assert classify(series * factor).state is classify(series).state
