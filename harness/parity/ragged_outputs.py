"""An output against its reference where its size depends on the data: sample by sample, by what each holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import TensorInfo
from harness.model import Tensors
from harness.parity.comparison import Incomparable, compare
from harness.ragged import is_sizes, sizes_name, split_samples
from harness.store.record import Comparison


def is_ragged(name: str, *sides: Tensors) -> bool:
    """Whether the size of an output depends on the data: it differs from sample to sample on a side, or no sample of a
    side holds any value where another side holds some."""
    shaped = [side[name] for side in sides]
    return any(sizes_name(name) in side for side in sides) or (
        any(values.size == 0 for values in shaped) and len({values.shape for values in shaped}) > 1
    )


def fixed_size_outputs(*sides: Tensors) -> list[dict[str, NDArray[Any]]]:
    """Each side's outputs but those whose size depends on the data."""
    names = [name for name in sides[0] if all(name in side for side in sides) and not is_ragged(name, *sides)]
    return [{name: side[name] for name in names if not is_sizes(name, side)} for side in sides]


def compare_output(
    output: str,
    actual: Tensors,
    expected: Tensors,
    info_actual: TensorInfo | None = None,
    info_expected: TensorInfo | None = None,
    *,
    ranked: bool = False,
    matched: bool = False,
    sides: str = "",
) -> Comparison:
    """`compare` for one output of two sets, whether or not its size depends on the data.

    Where it does, a row is what the one axis that varies counts: figures are over all rows that the samples hold (the
    cosine, a mean over samples, is null), and `worst_sample` is a sample still. Where one side has one size in all
    samples and nothing but zeros (in real units) beyond what the other holds, the zeros are padding.

    Where the sides hold another number of rows, those that both hold are compared, and `other_sizes` counts the samples
    in which they do, unless rows are `matched` elsewhere, as detections are. `sides`: what is compared with what, for a
    message.

    Raises `Incomparable` as `compare` does, and where no sample has a row on both sides though some have one on either.
    """
    if not is_ragged(output, actual, expected):
        return compare(output, actual[output], expected[output], info_actual, info_expected, ranked=ranked)
    ours, theirs = split_samples(actual, output), split_samples(expected, output)
    if len(ours) != len(theirs):
        raise Incomparable(f"Output {output!r} has {len(ours)} samples where {len(theirs)} were expected.")
    ours = [_aligned(one, other) for one, other in zip(ours, theirs, strict=True)]
    # A side that never varies may be one that pads.
    if sizes_name(output) not in actual:
        ours = [_without_padding(one, other, _zero(info_actual)) for one, other in zip(ours, theirs, strict=True)]
    if sizes_name(output) not in expected:
        theirs = [_without_padding(other, one, _zero(info_expected)) for one, other in zip(ours, theirs, strict=True)]
    count, note = _other_sizes(ours, theirs)
    pairs = [_shared(one, other) for one, other in zip(ours, theirs, strict=True)]
    nothing_shared = count > 0 and not any(one.size for one, _ in pairs)
    ours, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    if nothing_shared or _other_sizes(ours, theirs)[0]:
        between = f" ({sides})" if sides else ""
        raise Incomparable(f"Output {output!r} has another size{between} in {count} of {len(ours)} samples, {note}.")
    axes = np.flatnonzero(np.ptp([one.shape for one in ours], axis=0))
    if len(axes) > 1:
        raise Incomparable(f"Output {output!r} varies in more than one axis, and rows of one are compared.")
    axis = int(axes[0]) if len(axes) else 0
    one, other = _rows(ours, axis), _rows(theirs, axis)
    owners = np.repeat(np.arange(len(ours)), [part.shape[axis] for part in ours])
    found = compare(output, one, other, info_actual, info_expected, ranked=ranked)
    changed: dict[str, Any] = {"cosine": None}
    if not matched:
        changed |= {"other_sizes": count, "sizes_note": note}
    if found.worst_sample is not None and found.worst_index is not None:
        sample = int(owners[found.worst_sample])
        row = found.worst_sample - int(np.searchsorted(owners, sample))
        changed["worst_sample"] = sample
        changed["worst_index"] = (*found.worst_index[:axis], row, *found.worst_index[axis:])
    if found.differing_samples is not None:
        differs = ((one != other) & ~((one != one) & (other != other))).reshape(len(one), -1).any(axis=1)
        changed["differing_samples"] = len(np.unique(owners[differs]))
    return found.model_copy(update=changed)


def _rows(samples: Sequence[NDArray[Any]], axis: int) -> NDArray[Any]:
    """(rows of all samples, *what a row holds)."""
    return np.concatenate([np.moveaxis(sample, axis, 0) for sample in samples])


def _aligned(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """`one` in the shape of `other` where they differ in axes of length one alone."""
    essential = [tuple(length for length in values.shape if length != 1) for values in (one, other)]
    return one.reshape(other.shape) if essential[0] == essential[1] else one


def _zero(info: TensorInfo | None) -> int:
    """Zero as a side stores it."""
    return 0 if info is None or info.quantisation is None else info.quantisation.zero_point


def _without_padding(one: NDArray[Any], other: NDArray[Any], zero: int) -> NDArray[Any]:
    """`one` cut to the size of `other` where it holds nothing but zeros beyond; else as it is."""
    if one.ndim != other.ndim or any(own < length for own, length in zip(one.shape, other.shape, strict=True)):
        return one
    kept = one[tuple(map(slice, other.shape))]
    return kept if np.count_nonzero(kept != zero) == np.count_nonzero(one != zero) else one


def _shared(one: NDArray[Any], other: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """What both hold, from the first."""
    if one.ndim != other.ndim:
        return one, other
    least = tuple(slice(min(lengths)) for lengths in zip(one.shape, other.shape, strict=True))
    return one[least], other[least]


def _other_sizes(ours: Sequence[NDArray[Any]], theirs: Sequence[NDArray[Any]]) -> tuple[int, str]:
    """How many samples hold another number of values, and the first of them in words."""
    other = [index for index, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a.shape != b.shape]
    if not other:
        return 0, ""
    one, two = ours[other[0]], theirs[other[0]]
    advice = (
        "; what is beyond repeats one row, as padding does, and nothing says how many rows count: let the model give"
        " their number, or make the rest zeros"
        if all(_repeats(ours[place], theirs[place]) for place in other)
        else ""
    )
    return len(other), f"first in sample {other[0]}: {one.shape} where {two.shape} was expected{advice}"


def _repeats(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether `one` has two rows more than `other` or more, and all of these are alike."""
    if one.ndim != other.ndim or one.ndim == 0 or one.shape[1:] != other.shape[1:]:
        return False
    beyond = one[len(other) :]
    return len(beyond) > 1 and bool((beyond == beyond[0]).all())
