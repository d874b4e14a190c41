"""Raw samples in, a `Latency` out."""

from dataclasses import replace

import numpy as np
import pytest

from harness.latency.statistics import summarise
from harness.store.record import Latency, SteadyState
from harness.target import OperatorSamples, Timing

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


def test_an_operators_time_is_a_median_or_a_mean_where_the_clock_is_coarse():
    jumping = np.array([5_000.0, 5_000.0, 10_000.0])
    operators = (OperatorSamples("Conv2D", "1×8", 2, jumping),)
    fine = summarise(timing(noise(200, 1), per_operator=operators, clock_resolution_ns=10.0), None)
    coarse = summarise(timing(noise(200, 1), per_operator=operators, clock_resolution_ns=5_000.0), None)
    put_aside = replace(
        operators[0], samples_ns=np.array([5_000.0, 5_000.0, 10_000.0, 10_000.0, 5_000.0, 10_000.0, 5e6])
    )
    steady = summarise(timing(noise(200, 1), per_operator=(put_aside,), clock_resolution_ns=5_000.0), None)
    assert steady.per_operator[0].milliseconds == pytest.approx(0.008)
    assert (fine.per_operator[0].operator, fine.per_operator[0].shape, fine.per_operator[0].count) == (
        "Conv2D",
        "1×8",
        2,
    )
    assert fine.per_operator[0].milliseconds == pytest.approx(0.005)
    assert coarse.per_operator[0].milliseconds == pytest.approx(0.02 / 3)


def test_a_gpus_own_timers_are_a_second_figure_with_its_interval():
    latency = summarise(timing(noise(200, 1), kernel_ns=np.linspace(90_000.0, 110_000.0, 21)), None)
    assert latency.kernel_ms == pytest.approx(0.1)
    assert latency.kernel_interval.low <= 0.1 <= latency.kernel_interval.high
    assert summarise(timing(noise(200, 1)), None).kernel_ms is None


def test_timers_that_step_coarsely_are_averaged_and_their_step_is_kept():
    stepped = summarise(
        timing(noise(200, 1), kernel_ns=np.float64([65, 131, 65, 131] * 3), kernel_resolution_ns=65.0), None
    )
    assert (stepped.kernel_ms, stepped.kernel_resolution_ns) == (pytest.approx(98e-6), 65.0)


def test_the_parts_of_the_way_to_the_first_result_are_told_in_milliseconds():
    parts = {"start_ns": 40e6, "compile_ns": 2.5e6, "upload_ns": 0.25e6}
    latency = summarise(timing(noise(200, 1), **parts), None)
    assert (latency.start_ms, latency.compile_ms, latency.upload_ms) == (40.0, 2.5, 0.25)
    untold = summarise(timing(noise(200, 1)), None)
    assert (untold.start_ms, untold.compile_ms, untold.upload_ms) == (None, None, None)
