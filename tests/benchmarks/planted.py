"""Made-up daily latencies with planted steps, under noise of several kinds as shared machines make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Logarithms = NDArray[np.float64]
"""Logarithms of factors, shaped (days,)."""


@dataclass(frozen=True)
class Planted:
    """A series of medians in milliseconds, shaped (days,), and its steps: first day to relative size."""

    values: NDArray[np.float64]
    steps: dict[int, float]


def _autoregression(memory: float, shocks: Logarithms, before: float) -> Logarithms:
    """The first-order autoregression of coefficient `memory` that shocks make, shaped as they are, after `before`."""
    from scipy.signal import lfilter  # a second of processor, which every process that collects would spend

    return lfilter([1.0], [1.0, -memory], shocks, zi=[memory * before])[0]


def daily_noise(days: int, generator: np.random.Generator, deviation: float = 0.012) -> Logarithms:
    """Logarithms of factors, shaped (days,): `deviation` per day with a memory of 0.3 from one day to the next, a week
    with a busier middle (±0.3 %), a slow drift of 0.5 %, and a bad day in thirty, 5 to 40 % slower."""
    shocks = generator.normal(0.0, deviation * np.sqrt(1.0 - 0.3**2), days)
    noise = _autoregression(0.3, shocks, generator.normal(0.0, deviation))
    noise += 0.003 * np.sin(2.0 * np.pi * np.arange(days) / 7.0)
    noise += 0.0025 * np.sin(2.0 * np.pi * (np.arange(days) / 365.0 + generator.random()))
    bad = generator.random(days) < 1.0 / 30.0
    return noise + bad * np.log1p(generator.uniform(0.05, 0.40, days))


def heavy_tails(days: int, generator: np.random.Generator) -> Logarithms:
    """Student's t with 2.5 degrees of freedom: no variance to speak of, bad days of every size."""
    return 0.008 * generator.standard_t(2.5, days)


def long_memory(days: int, generator: np.random.Generator) -> Logarithms:
    """A first-order autoregression of 0.7: a machine whose moods last for days."""
    shocks = generator.normal(0.0, 0.012 * np.sqrt(1.0 - 0.7**2), days)
    return _autoregression(0.7, shocks, generator.normal(0.0, 0.012))


def two_states(days: int, generator: np.random.Generator) -> Logarithms:
    """A quarter of the days 4 % slower, as on the slower cores or beside a neighbour, each such time four days on
    average; which is more than the noise within a state."""
    slow = np.zeros(days)
    state = False
    for day in range(days):
        state = generator.random() < (0.75 if state else 0.083)
        slow[day] = state
    return 0.04 * slow + generator.normal(0.0, 0.006, days)


def time_of_day(days: int, generator: np.random.Generator) -> Logarithms:
    """It runs at any hour from eight to twenty, and an afternoon is 3 % slower than a night; a year adds 2 %."""
    return _afternoons(generator.uniform(8.0, 20.0, days)) + generator.normal(0.0, 0.008, days)


def wandering(days: int, generator: np.random.Generator) -> Logarithms:
    """The same, but the hour moves by one from day to day: the level truly moves, for weeks, by up to 3 %."""
    return _afternoons(3.0 + np.cumsum(generator.normal(0.0, 1.0, days))) + generator.normal(0.0, 0.008, days)


def _afternoons(hour: NDArray[np.float64]) -> Logarithms:
    days = len(hour)
    return 0.015 * (1.0 - np.cos(2.0 * np.pi * (hour - 3.0) / 24.0)) + 0.02 * np.arange(days) / 365.0


def spikes(days: int, generator: np.random.Generator) -> Logarithms:
    """One day in eight up to three times as slow, now and then two of them in a row."""
    bad = generator.random(days) < 0.125
    return generator.normal(0.0, 0.01, days) + bad * np.log(generator.uniform(1.1, 3.0, days))


def coarse_clock(days: int, generator: np.random.Generator) -> Logarithms:
    """A browser's clock: all is a multiple of 2 %."""
    return np.log(np.round(np.exp(generator.normal(0.0, 0.012, days)) / 0.02) * 0.02)


NOISES: dict[str, Callable[[int, np.random.Generator], Logarithms]] = {
    "daily (thresholds were chosen on it)": daily_noise,
    "heavy tails": heavy_tails,
    "memory of 0.7": long_memory,
    "two states": two_states,
    "time of day and a slow drift": time_of_day,
    "spikes": spikes,
    "coarse clock": coarse_clock,
    "a level that wanders": wandering,
}


def planted(
    seed: int,
    size: float,
    steps: int = 3,
    days: int = 365,
    apart: int = 30,
    noise: Callable[[int, np.random.Generator], Logarithms] = daily_noise,
) -> Planted:
    """`steps` steps of relative `size`, up or down by chance, at least `apart` days from each other and the ends."""
    generator = np.random.default_rng(seed)
    while True:
        places = np.sort(generator.integers(apart, days - apart, steps))
        if steps < 2 or (np.diff(places) >= apart).all():
            break
    signs = generator.choice((-1.0, 1.0), steps)
    level = np.full(days, np.log(generator.lognormal(0.0, 1.0)))
    for place, sign in zip(places, signs, strict=True):
        level[place:] += sign * np.log1p(size)
    values = np.exp(level + noise(days, generator))
    return Planted(values, {int(p): float((1.0 + size) ** s - 1.0) for p, s in zip(places, signs, strict=True)})
