"""Outputs whose size depends on the data: all samples in one array, with the size of each beside it.

What is shorter in one sample than in another is filled with zeros, and a second array, named `sizes:` and the output's
name, tells what each sample holds. An output that has one shape in every sample is one array and nothing else.

Runs in every kind of process: standard library and NumPy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZES = "sizes:"


class OtherRank(ValueError):
    """The samples of one output differ in their number of axes."""

    harness_kind = "unsupported"


def sizes_name(name: str) -> str:
    """The name that the sizes of an output are kept under."""
    return SIZES + name


def is_sizes(name: str, tensors: Mapping[str, Any]) -> bool:
    """Whether an array holds the sizes of another one."""
    return name.startswith(SIZES) and name.removeprefix(SIZES) in tensors


def stack_samples(name: str, values: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """One output of all samples, (samples, *largest shape), and where they differ their shapes, int64 (samples, axes).

    Raises `OtherRank`.
    """
    shapes = [np.shape(value) for value in values]
    if len(set(shapes)) == 1:
        return {name: np.stack(values)}
    if len({len(shape) for shape in shapes}) > 1:
        one, other = min(shapes, key=len), max(shapes, key=len)
        raise OtherRank(f"output '{name}' is shaped {one} in one sample and {other} in another")
    sizes = np.array(shapes, np.int64)
    filled = np.zeros((len(values), *sizes.max(axis=0)), np.asarray(values[0]).dtype)
    for index, value in enumerate(values):
        filled[index][tuple(slice(length) for length in np.shape(value))] = value
    return {name: filled, sizes_name(name): sizes}


def split_samples(tensors: Mapping[str, NDArray[Any]], name: str) -> list[NDArray[Any]]:
    """What each sample holds of one output, without what was filled in."""
    values, sizes = tensors[name], tensors.get(sizes_name(name))
    if sizes is None:
        return list(values)
    return [value[tuple(slice(int(length)) for length in shape)] for value, shape in zip(values, sizes, strict=True)]


def concatenate_parts(parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The outputs of several runs of samples, one after the other. Raises `OtherRank`."""
    found: dict[str, NDArray[Any]] = {}
    for name in parts[0]:
        if is_sizes(name, parts[0]):
            continue
        one_shape = len({part[name].shape[1:] for part in parts}) == 1
        if one_shape and not any(sizes_name(name) in part for part in parts):
            found[name] = np.concatenate([part[name] for part in parts])
        else:
            found |= stack_samples(name, [value for part in parts for value in split_samples(part, name)])
    return found
