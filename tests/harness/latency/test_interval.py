"""The interval of a median: what it always is, and how often it holds the truth (rates over fixed seeds)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from harness.latency.interval import median_interval

from .series import noise

TRIALS = 400


def hanging_together(count, seed, memory):
    """A lognormal first-order autoregression of coefficient `memory` whose median is 1, shaped (count,)."""
    from scipy.signal import lfilter  # a second of processor, which every process that collects would spend

    fresh = np.random.default_rng(seed).normal(0.0, 0.03 * np.sqrt(1.0 - memory**2), count + 2000)
    return np.exp(lfilter([1.0], [1.0, -memory], fresh)[2000:])


def coverage(make, truth=1.0):
    intervals = (median_interval(make(seed)) for seed in range(TRIALS))
    return np.mean([low <= truth <= high for low, high in intervals])


@pytest.mark.parametrize(
    ("count", "memory"), [(100, 0.0), (100, 0.5), (300, 0.9), (1000, 0.9), (1000, 0.97), (2000, 0.97)]
)
def test_it_holds_the_true_median_as_often_as_promised(count, memory):
    # 95 % less what 400 trials may miss by chance (2.2 % is two standard errors).
    assert coverage(lambda seed: hanging_together(count, seed, memory)) >= 0.928


def test_it_does_so_among_the_bursts_and_spikes_of_a_shared_machine():
    def make(seed):
        return noise(1000, seed, memory=0.95, bursts=2)

    truth = np.median(np.concatenate([make(seed) for seed in range(TRIALS)]))
    assert coverage(make, truth) >= 0.92


def test_independent_samples_cost_no_more_than_a_quarter_of_width():
    # The interval that knows them to be independent has ranks n/2 ± 1.96·√n/2.
    widths, known = [], []
    for seed in range(TRIALS):
        ordered = np.sort(series := hanging_together(1000, seed, 0.0))
        low, high = median_interval(series)
        widths.append(high - low)
        known.append(ordered[531] - ordered[468])
    assert 1.0 <= np.mean(widths) / np.mean(known) <= 1.25


def test_a_slow_mood_of_the_machine_widens_it():
    calm = hanging_together(2000, 1, 0.0)
    low, high = median_interval(calm)
    slow_low, slow_high = median_interval(calm * np.repeat([1.0, 1.02, 1.0, 1.02], 500))
    assert slow_high - slow_low > 4.0 * (high - low)


def test_equal_samples_give_equal_intervals():
    series = noise(500, 1)
    assert median_interval(series) == median_interval(series.copy())


@given(arrays(np.int64, some.integers(1, 200), elements=some.integers(0, 10**9)))
def test_it_holds_the_median_and_lies_within_the_samples(samples):
    low, high = median_interval(samples)
    assert samples.min() <= low <= np.median(samples) <= high <= samples.max()


def test_it_scales_with_the_unit():
    series = noise(300, 2)
    assert np.array(median_interval(series * 1e-6)) == pytest.approx(np.array(median_interval(series)) * 1e-6)


def test_more_confidence_is_wider():
    series = noise(500, 3)
    (low, high), (lower, higher) = median_interval(series, 0.9), median_interval(series, 0.99)
    assert lower < low < high < higher


def test_samples_on_the_steps_of_a_coarse_clock():
    fine = hanging_together(2000, 4, 0.9)
    low, high = median_interval(np.round(fine / 0.02) * 0.02)
    assert low == pytest.approx(1.0)
    assert high == pytest.approx(1.0)
    # Half of them on one step and half on the next: either may be the median.
    assert median_interval(np.tile([100, 200], 500)) == (100.0, 200.0)


@pytest.mark.parametrize("samples", [[1], [1, 2], [5, 9, 7]])
def test_of_very_few_it_is_all(samples):
    assert median_interval(np.array(samples)) == (min(samples), max(samples))


def test_none_at_all_is_refused():
    with pytest.raises(ValueError):
        median_interval(np.array([]))
