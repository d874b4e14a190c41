"""Timing series made to look like those of a shared machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MODEL_NS = 1.7e6


def noise(
    count: int,
    seed: int,
    spread: float = 0.03,
    bursts: int = 6,
    burst_length: tuple[int, int] = (5, 60),
    spikes: float = 0.01,
    memory: float = 0.5,
) -> NDArray[np.float64]:
    """One level with what a shared machine does to it, in nanoseconds, shaped (count,).

    Lognormal jitter of standard deviation `spread`, half of its power from a first-order autoregression of coefficient
    `memory`; `spikes` single samples 1.5 to 10 times as slow; `bursts` excursions 1.1 to 2.5 times as slow.
    """
    random = np.random.default_rng(seed)
    fresh = random.normal(0.0, spread / np.sqrt(2.0), count)
    slow = np.empty(count)
    slow[0] = random.normal(0.0, 1.0)
    for index, step in enumerate(random.normal(0.0, np.sqrt(1.0 - memory**2), count - 1), start=1):
        slow[index] = memory * slow[index - 1] + step
    logs = fresh + slow * spread / np.sqrt(2.0)
    hit = random.random(count) < spikes
    logs[hit] += np.log(random.uniform(1.5, 10.0, np.count_nonzero(hit)))
    for _ in range(random.poisson(bursts)):
        begin, length = random.integers(0, count), random.integers(*burst_length)
        logs[begin : begin + length] += np.log(random.uniform(1.1, 2.5))
    return MODEL_NS * np.exp(logs)


def warming_up(series: NDArray[np.float64], length: int, factor: float) -> NDArray[np.float64]:
    """`series` with its first `length` samples up to `factor` times as slow, decaying exponentially to nothing."""
    excess = (factor - 1.0) * np.exp(-3.0 * np.arange(len(series)) / max(1, length))
    excess[length:] = 0.0
    return series * (1.0 + excess)
