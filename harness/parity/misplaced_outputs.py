"""Finds values that are right but in the wrong place: swapped outputs, exchanged classes, exchanged labels.

Such a fault breaks every tolerance, and a tolerance says nothing about it: these functions name it. They say so only
where the exchange explains the error: the values fit their other place ten times better (10 dB) than their own, and
all that moved changed places among themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.model import Tensors

CLEARLY = 10.0
"""How many times less error power the other place has to have."""
MOST_CLASSES = 2048
"""Classes beyond which the table of all pairs of classes is not worth its memory."""
MOST_OUTPUTS = 16
FEWEST_SAMPLES = 3
"""A class with fewer samples says nothing about its label."""
_CHUNK_ELEMENTS = 1 << 20


def swapped_outputs(actual: Tensors, expected: Tensors) -> dict[str, str]:
    """Output → the output of `expected` whose values it holds, for those that are not in their own place; empty where
    none is. Both sides in real units, (samples, *shape) each; only outputs of equal shape can look swapped."""
    found: dict[str, str] = {}
    for names in _alike(actual, expected):
        # A NaN or infinity anywhere makes the power NaN or infinite, which is never ten times less than another.
        with np.errstate(over="ignore", invalid="ignore"):
            power = np.array([[_error(actual[one], expected[other]) for other in names] for one in names])
        found |= {names[place]: names[other] for place, other in _moved(power).items()}
    return found


def shapes_look_swapped(actual: Tensors, expected: Tensors) -> dict[str, str]:
    """Outputs that look swapped by their shapes alone, for outputs that cannot be compared value by value: output → the
    one output of `expected` that has its shape."""
    shapes = {name: _essential(values) for name, values in expected.items()}
    moved = {name: _essential(values) for name, values in actual.items() if _essential(values) != shapes.get(name)}
    places = {name: [other for other in moved if shapes.get(other) == shape] for name, shape in moved.items()}
    if not moved or any(len(fitting) != 1 for fitting in places.values()):
        return {}
    found = {name: fitting[0] for name, fitting in places.items()}
    return found if len(set(found.values())) == len(found) else {}


def exchanged_classes(actual: NDArray[Any], expected: NDArray[Any]) -> tuple[int, ...]:
    """The classes (places on the last axis) whose scores look exchanged among each other, in order: two for a plain
    exchange. Empty if no class looks exchanged. Both sides are in real units, shaped (samples, …, classes)."""
    classes = expected.shape[-1] if expected.ndim > 1 else 0
    if not 2 <= classes <= MOST_CLASSES or actual.shape != expected.shape:
        return ()
    one, two = actual.reshape(-1, classes), expected.reshape(-1, classes)
    own, other = np.zeros(classes), np.zeros(classes)
    products = np.zeros((classes, classes))
    with np.errstate(over="ignore", invalid="ignore"):
        for part in _chunks(len(one), classes):
            a, b = one[part].astype(np.float64), two[part].astype(np.float64)
            own += np.square(a).sum(axis=0)
            other += np.square(b).sum(axis=0)
            products += a.T @ b
        power = np.maximum(own[:, None] + other[None, :] - 2.0 * products, 0.0)
    moved = _moved(power)
    before = float(np.trace(power))
    after = float(sum(power[index, moved.get(index, index)] for index in range(classes)))
    return tuple(sorted(moved)) if moved and after * CLEARLY <= before else ()


def exchanged_labels(scores: NDArray[Any], labels: NDArray[Any]) -> tuple[int, int] | None:
    """Two classes that the float32 model itself takes for each other: at least two thirds of the samples of either.

    `scores` of the float32 model, shaped (samples, …, classes) one row a sample; `labels` class indices, (samples,).
    """
    flat = scores.reshape(len(scores), -1) if len(scores) else np.zeros((0, 0))
    classes = flat.shape[1]
    if not 2 <= classes <= MOST_CLASSES or labels.shape != (len(scores),):
        return None
    known = labels.astype(np.int64)
    inside = (known >= 0) & (known < classes)
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (known[inside], flat.argmax(axis=1)[inside]), 1)
    counts = table.sum(axis=1)
    taken = (table * 3 >= counts[:, None] * 2) & (counts[:, None] >= FEWEST_SAMPLES)
    np.fill_diagonal(taken, False)
    pairs = np.argwhere(taken & taken.T)
    return (int(pairs[0][0]), int(pairs[0][1])) if len(pairs) else None


def _moved(power: NDArray[np.float64]) -> dict[int, int]:
    """The rows that fit another column clearly better than their own, if all of these changed places among themselves.
    `power` is a table of error powers, row held against column."""
    if not np.isfinite(power).all():
        return {}
    best = power.argmin(axis=1)
    least, own = power[np.arange(len(power)), best], np.diagonal(power)
    moved = {
        int(row): int(best[row])
        for row in np.flatnonzero((best != np.arange(len(power))) & (own > 0.0) & (least * CLEARLY <= own))
    }
    return moved if set(moved.values()) == set(moved) else {}


def _alike(actual: Tensors, expected: Tensors) -> Iterator[list[str]]:
    """Groups of two or more outputs with one shape on both sides."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, values in expected.items():
        if name in actual and actual[name].size == values.size and values.size and _numeric(values, actual[name]):
            groups.setdefault(_essential(values), []).append(name)
    for names in groups.values():
        if 2 <= len(names) <= MOST_OUTPUTS:
            yield names


def _numeric(*sides: NDArray[Any]) -> bool:
    return all(values.dtype.kind in "biuf" for values in sides)


def _essential(values: NDArray[Any]) -> tuple[int, ...]:
    return (*values.shape[:1], *(length for length in values.shape[1:] if length != 1))


def _error(actual: NDArray[Any], expected: NDArray[Any]) -> float:
    """Error power per value."""
    one, two = actual.reshape(-1), expected.reshape(-1)
    total = 0.0
    for part in _chunks(len(one), 1):
        total += float(np.square(one[part].astype(np.float64) - two[part].astype(np.float64)).sum())
    return total / max(1, len(one))


def _chunks(rows: int, width: int) -> Iterator[slice]:
    step = max(1, _CHUNK_ELEMENTS // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))
