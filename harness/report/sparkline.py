"""The raw samples of a timing as a small line, drawn on the server: 350 of them must not cost a browser anything."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.store.record import Latency

MOST_POINTS = 300
WIDTH, HEIGHT = 600, 72


@dataclass(frozen=True)
class Sparkline:
    """Coordinates in a box of WIDTH × HEIGHT, top left being 0,0."""

    points: str
    median_y: float
    warmup_x: float
    low_ms: float
    high_ms: float
    samples: int
    drawn: int
    above: int
    """Samples beyond the upper edge: a few outliers must not flatten everything else."""


def sparkline(latency: Latency) -> Sparkline | None:
    """The line of a timing's raw samples; None where there is nothing to draw."""
    samples = np.asarray(latency.samples_ns, dtype=np.float64) / 1e6
    if len(samples) < 2 or not (math.isfinite(latency.median_ms) and math.isfinite(latency.p99_ms)):
        return None
    positions = thin(samples, MOST_POINTS)
    low = float(samples.min())
    high = max(min(float(samples.max()), latency.median_ms + 3 * (latency.p99_ms - latency.median_ms)), low * 1.01)
    across = positions / (len(samples) - 1) * WIDTH
    up = _height(np.minimum(samples[positions], high), low, high)
    return Sparkline(
        points=" ".join(f"{x:.0f},{y:.1f}" for x, y in zip(across, up, strict=True)),
        median_y=round(float(_height(np.array([latency.median_ms]), low, high)[0]), 1),
        warmup_x=round(min(1.0, latency.warmup_discarded / len(samples)) * WIDTH, 1),
        low_ms=low,
        high_ms=high,
        samples=len(samples),
        drawn=len(positions),
        above=int((samples > high).sum()),
    )


def thin(samples: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Positions of at most `most` samples: the least and the greatest of each stretch, so that no peak is lost."""
    if len(samples) <= most:
        return np.arange(len(samples))
    kept: set[int] = set()
    for stretch in np.array_split(np.arange(len(samples)), most // 2):
        kept.add(int(stretch[np.argmin(samples[stretch])]))
        kept.add(int(stretch[np.argmax(samples[stretch])]))
    return np.array(sorted(kept), dtype=np.int64)


def _height(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    margin = 3
    return HEIGHT - margin - (values - low) / ((high - low) or 1.0) * (HEIGHT - 2 * margin)
