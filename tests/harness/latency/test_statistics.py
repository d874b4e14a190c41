"""Raw samples in, a `Latency` out; and the interval of the median."""

import numpy as np
import pytest

from harness.latency.bootstrap import dependence_length, median_interval
from harness.latency.statistics import summarise
from harness.store.record import Latency, SteadyState
from harness.target import Timing

from .series import noise, warming_up


def timing(samples, **more):
    return Timing(np.asarray(samples).astype(np.int64), first_ns=5_000_000, **more)


def test_figures_are_over_the_steady_part_in_milliseconds():
    series = warming_up(noise(2000, 1, bursts=0), 100, 5.0).astype(np.int64)
    latency = summarise(timing(series, load_ns=7_000_000, clock_resolution_ns=100.0, details={"threads": "1"}), 0.5)
    steady = series[latency.warmup_discarded :]
    assert latency.state is SteadyState.WARMUP
    assert latency.warmup_discarded > 50
    assert latency.iterations == len(steady)
    assert latency.median_ms == pytest.approx(np.median(steady) / 1e6)
    assert latency.p90_ms == pytest.approx(np.percentile(steady, 90) / 1e6)
    assert latency.p99_ms == pytest.approx(np.percentile(steady, 99) / 1e6)
    assert latency.min_ms == pytest.approx(steady.min() / 1e6)
    assert (latency.first_ms, latency.load_ms, latency.load_average) == (5.0, 7.0, 0.5)
    assert latency.median_interval.low <= latency.median_ms <= latency.median_interval.high
    assert latency.samples_ns == tuple(series.tolist())
    assert latency.details["threads"] == "1"
    assert Latency.model_validate_json(latency.model_dump_json()) == latency


def test_a_run_that_never_settles_is_not_summed_up_in_silence():
    latency = summarise(timing(noise(2000, 1) * np.linspace(1.0, 2.0, 2000)), None)
    assert latency.state is SteadyState.NONE
    assert (latency.warmup_discarded, latency.iterations) == (0, 2000)
    assert latency.details["steady_state"].startswith("No steady state")


def test_a_single_sample_is_reported_as_what_it_is():
    latency = summarise(timing([2_000_000]), None)
    assert latency.state is SteadyState.NONE
    assert latency.median_ms == latency.median_interval.low == latency.median_interval.high == 2.0


def test_no_samples_or_impossible_ones_are_refused():
    for samples in ([], [[1, 2]], [1, -1]):
        with pytest.raises(ValueError):
            summarise(timing(samples), None)


class TestInterval:
    def test_equal_samples_give_equal_intervals(self):
        series = noise(500, 1)
        assert median_interval(series) == median_interval(series.copy())

    def test_it_holds_the_median_and_lies_within_the_samples(self):
        for seed in range(20):
            series = noise(100, seed)
            low, high = median_interval(series)
            assert series.min() <= low <= np.median(series) <= high <= series.max()

    def test_it_scales_with_the_unit(self):
        series = noise(300, 2)
        assert np.array(median_interval(series * 1e-6)) == pytest.approx(np.array(median_interval(series)) * 1e-6)

    def test_coverage_for_independent_samples(self):
        random = np.random.default_rng(3)
        intervals = [median_interval(random.normal(10.0, 1.0, 400), resamples=500) for _ in range(200)]
        assert 0.88 <= np.mean([low <= 10.0 <= high for low, high in intervals]) <= 0.99

    def test_dependent_samples_widen_it(self):
        def width(series, block=None):
            low, high = median_interval(series, block=block)
            return high - low

        dependent = [noise(2000, seed, memory=0.97, bursts=0) for seed in range(10)]
        assert np.mean([width(series) for series in dependent]) > 1.5 * np.mean(
            [width(series, 1) for series in dependent]
        )

    def test_coverage_for_dependent_samples_is_far_above_that_of_a_plain_bootstrap(self):
        series = [noise(1000, seed, memory=0.95, bursts=0) for seed in range(100)]
        truth = np.median(np.concatenate(series))

        def coverage(block):
            intervals = (median_interval(one, resamples=400, block=block) for one in series)
            return np.mean([low <= truth <= high for low, high in intervals])

        assert coverage(None) >= 0.8
        assert coverage(1) < coverage(None)

    @pytest.mark.parametrize("samples", [[1], [1, 2], [5, 5, 5], list(range(30))])
    def test_few_or_equal_samples(self, samples):
        low, high = median_interval(np.array(samples))
        assert low <= np.median(samples) <= high

    def test_none_at_all_is_refused(self):
        with pytest.raises(ValueError):
            median_interval(np.array([]))

    def test_neighbours_kept_together(self):
        random = np.random.default_rng(0)
        independent = random.normal(size=2000)
        assert dependence_length(independent) == 13  # the cube root
        assert dependence_length(np.repeat(random.normal(size=40), 50)) > 60
        assert dependence_length(np.ones(100)) == 5
