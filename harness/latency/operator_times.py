"""What each operator of a model takes by the clock, from the times of the model cut after each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.latency.interval import median_interval
from harness.target import OperatorSamples, OperatorTimes


@dataclass(frozen=True)
class OperatorMedian:
    """The median time of an operator over the rounds, and its 95 % interval, in nanoseconds."""

    index: int
    operator: str
    nanoseconds: float
    low: float
    high: float


def operator_times(times: OperatorTimes) -> tuple[OperatorMedian, ...]:
    """What each operator adds to those before it, in nanoseconds.

    Both times of a difference are of the same round, a moment apart: what slows the machine for longer slows both. The
    first operator's time includes the call itself."""
    added = _added(times)
    found = []
    for index, name in enumerate(times.operators):
        low, high = median_interval(added[:, index])
        found.append(OperatorMedian(index, name, float(np.median(added[:, index])), low, high))
    return tuple(found)


def samples_by_kind(times: OperatorTimes) -> tuple[OperatorSamples, ...]:
    """What each kind of operator takes: a value, in nanoseconds, for each round.

    Operators of one kind and one shape of result are added up, and the kinds are in the order in which they first ran.
    A kind that takes next to nothing may have values below zero."""
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
