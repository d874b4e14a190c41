"""Shapes and strides in the form that kernels walk them: five dimensions, neighbours merged where they can be."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..format import RANK


def row_major(shape: Sequence[int]) -> list[int]:
    """Strides in elements."""
    return [math.prod(shape[i + 1 :]) for i in range(len(shape))]


def merge_axes(shape: Sequence[int], *strides: Sequence[int]) -> tuple[list[int], list[list[int]]] | None:
    """Drops axes of one element, joins neighbours that every stride list walks as one, and fills up to five axes.

    None where more than five are left.
    """
    axes = [(size, [s[i] for s in strides]) for i, size in enumerate(shape) if size != 1]
    merged: list[tuple[int, list[int]]] = []
    for size, steps in axes:
        if merged and all(outer == inner * size for outer, inner in zip(merged[-1][1], steps, strict=True)):
            merged[-1] = (merged[-1][0] * size, steps)
        else:
            merged.append((size, steps))
    if len(merged) > RANK:
        return None
    merged = [(1, [0] * len(strides))] * (RANK - len(merged)) + merged
    return [size for size, _ in merged], [[steps[k] for _, steps in merged] for k in range(len(strides))]


def broadcast_strides(shape: Sequence[int], target: Sequence[int]) -> list[int] | None:
    """Strides of a tensor of `shape` read as if it had the shape `target`; None where it cannot be."""
    padded = [1] * (len(target) - len(shape)) + list(shape)
    if len(padded) != len(target) or any(p not in (1, t) for p, t in zip(padded, target, strict=True)):
        return None
    return [0 if p == 1 else step for p, step in zip(padded, row_major(padded), strict=True)]
