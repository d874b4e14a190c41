"""What each operator of a model takes by the clock, from the times of the model cut after each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.latency.interval import median_interval
from harness.target import OperatorSamples, OperatorTimes


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
    added = _added(times)
    found = []
    for index, name in enumerate(times.operators):
        low, high = median_interval(added[:, index])
        found.append(OperatorTime(index, name, float(np.median(added[:, index])), low, high))
    return tuple(found)


def samples_by_kind(times: OperatorTimes) -> tuple[OperatorSamples, ...]:
    """The same for each kind of operator, all with results of one shape together, in the order in which they first ran:
    a value for each round. A kind that takes next to nothing may have values below zero."""
    added = _added(times)
    places: dict[tuple[str, str], list[int]] = {}
    for index, name in enumerate(times.operators):
        places.setdefault((name, times.shapes[index] if times.shapes else ""), []).append(index)
    return tuple(
        OperatorSamples(name, shape, len(found), added[:, found].sum(axis=1).astype(np.float64))
        for (name, shape), found in places.items()
    )


def _added(times: OperatorTimes) -> NDArray[np.int64]:
    return np.diff(times.times_ns, axis=1, prepend=0)
