"""Raw samples in, the figures of a latency out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.latency.interval import median_interval
from harness.latency.steady_state import classify
from harness.store.record import Interval, Latency, OperatorTime, SteadyState
from harness.target import Timing

_MS_PER_NS = 1e-6
"""Milliseconds in a nanosecond."""


def summarise(timing: Timing, load_average: float | None) -> Latency:
    """Median, p90, p99, minimum (milliseconds) and the 95 % interval of the median.

    Over the steady part of `timing.samples_ns` alone. Where no steady state was found the figures are over *all*
    samples, the state says `none`, and `details["steady_state"]` says so in words: nothing is averaged in silence.
    Percentiles interpolate linearly between order statistics (NumPy's default, type 7 of Hyndman and Fan 1996).

    Raises ValueError where there is no sample, or where a sample is negative.
    """
    samples = np.asarray(timing.samples_ns)
    if samples.ndim != 1 or len(samples) == 0:
        raise ValueError(f"timing samples must be shaped (iterations,) with at least one, not {samples.shape}")
    part = classify(samples, timing.clock_resolution_ns)
    steady = samples[part.begin :]
    median, p90, p99 = (float(value) for value in np.percentile(steady, (50.0, 90.0, 99.0)))
    low, high = median_interval(steady)
    explanation = part.explanation
    if part.state is SteadyState.NONE:
        explanation = f"No steady state: {explanation}; the figures are over all {len(samples)} samples."
    kernels = None if timing.kernel_ns is None or not len(timing.kernel_ns) else np.asarray(timing.kernel_ns)
    kernel_interval = None if kernels is None else median_interval(kernels)
    return Latency(
        state=part.state,
        warmup_discarded=part.begin,
        iterations=len(steady),
        first_ms=timing.first_ns * _MS_PER_NS,
        load_ms=_milliseconds(timing.load_ns),
        start_ms=_milliseconds(timing.start_ns),
        compile_ms=_milliseconds(timing.compile_ns),
        upload_ms=_milliseconds(timing.upload_ns),
        median_ms=median * _MS_PER_NS,
        p90_ms=p90 * _MS_PER_NS,
        p99_ms=p99 * _MS_PER_NS,
        min_ms=float(steady.min()) * _MS_PER_NS,
        median_interval=Interval(low=low * _MS_PER_NS, high=high * _MS_PER_NS),
        clock_resolution_ns=timing.clock_resolution_ns,
        load_average=load_average,
        samples_ns=tuple(int(sample) for sample in samples),
        details={**timing.details, "steady_state": explanation},
        per_operator=tuple(
            OperatorTime(
                operator=one.operator,
                shape=one.shape,
                count=one.count,
                milliseconds=typical(one.samples_ns, timing.clock_resolution_ns) * _MS_PER_NS,
            )
            for one in timing.per_operator
        ),
        kernel_ms=None if kernels is None else typical(kernels, timing.kernel_resolution_ns) * _MS_PER_NS,
        kernel_interval=None
        if kernel_interval is None
        else Interval(low=kernel_interval[0] * _MS_PER_NS, high=kernel_interval[1] * _MS_PER_NS),
        kernel_resolution_ns=None if kernels is None else timing.kernel_resolution_ns,
    )


def _milliseconds(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else nanoseconds * _MS_PER_NS


COARSE = 0.01
"""A clock whose step is more than this share of a time: medians of such samples sit on the clock's steps."""


def typical(samples_ns: NDArray[np.float64], clock_resolution_ns: float | None) -> float:
    """The median in nanoseconds; where the clock is `COARSE`, the mean of the middle half.

    Neither moves where the process was put aside for a moment."""
    median = float(np.median(samples_ns))
    if (clock_resolution_ns or 0.0) <= COARSE * median:
        return median
    quarter = len(samples_ns) // 4
    return float(np.mean(np.sort(samples_ns)[quarter : len(samples_ns) - quarter]))
