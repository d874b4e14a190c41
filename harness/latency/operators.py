"""What each operator of a model takes by the clock, from the times of the model cut after each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.latency.interval import median_interval
from harness.target import OperatorTimes


@dataclass(frozen=True)
class OperatorTime:
    """Nanoseconds: the median over the rounds, and its 95 % interval."""

    index: int
    operator: str
    nanoseconds: float
    low: float
    high: float


def operator_times(times: OperatorTimes) -> tuple[OperatorTime, ...]:
    """For each operator what it adds to those before it. Both parts were timed in the same round, a moment apart, so
    the differences are of pairs: what slows the machine for longer slows both. The first has the call itself in it."""
    added = np.diff(times.times_ns, axis=1, prepend=0)
    found = []
    for index, name in enumerate(times.operators):
        low, high = median_interval(added[:, index])
        found.append(OperatorTime(index, name, float(np.median(added[:, index])), low, high))
    return tuple(found)
