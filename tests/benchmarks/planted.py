"""Made-up daily latencies with planted steps, under noise as a shared machine makes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter


@dataclass(frozen=True)
class Planted:
    """A series of medians in milliseconds, shaped (days,), and its steps: first day to relative size."""

    values: NDArray[np.float64]
    steps: dict[int, float]


def daily_noise(days: int, generator: np.random.Generator, deviation: float = 0.012) -> NDArray[np.float64]:
    """Logarithms of factors, shaped (days,): `deviation` per day with a memory of 0.3 from one day to the next, a week
    with a busier middle (±0.3 %), a slow drift of 0.5 %, and a bad day in thirty, 5 to 40 % slower."""
    shocks = generator.normal(0.0, deviation * np.sqrt(1.0 - 0.3**2), days)
    noise = lfilter([1.0], [1.0, -0.3], shocks, zi=[0.3 * generator.normal(0.0, deviation)])[0]
    noise += 0.003 * np.sin(2.0 * np.pi * np.arange(days) / 7.0)
    noise += 0.0025 * np.sin(2.0 * np.pi * (np.arange(days) / 365.0 + generator.random()))
    bad = generator.random(days) < 1.0 / 30.0
    return noise + bad * np.log1p(generator.uniform(0.05, 0.40, days))


def planted(seed: int, size: float, steps: int = 3, days: int = 365, apart: int = 30) -> Planted:
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
    values = np.exp(level + daily_noise(days, generator))
    return Planted(values, {int(p): float((1.0 + size) ** s - 1.0) for p, s in zip(places, signs, strict=True)})
