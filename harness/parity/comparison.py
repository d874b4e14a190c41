"""One tensor against its reference: every figure of `record.Comparison`, over all samples.

Decisions that a reader of a verdict depends on:

- **NaN**: a NaN anywhere, on either side or on both, makes `finite` false. A reference that is NaN vouches for nothing,
  so two NaNs do not agree. Infinities of the same sign in the same place do agree (an attention mask of −inf is
  legitimate) and take no part in the error figures; any other infinity makes `finite` false.
- Where `finite` is false the error figures and agreements are null, so that a small error elsewhere never makes such
  an output look good; `worst_sample` and `worst_index` name the first offending value.
- **Ties in top-1**: the classes that share the largest value form a set; a sample's agreement is the Jaccard index of
  both sides' sets. One class each gives 0 or 1, a tie of two against one of them 1/2, equal ties 1, and a dead output
  (all classes equal) against a decided one 1/classes, never 1.
- **Ties in top-5**: a sample agrees if one of the reference's top-1 classes has fewer than five classes strictly above
  it in the actual output: ties count in its favour, which top-1 keeps from hiding a dead output.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import TensorInfo
from harness.errors import Failed
from harness.store.record import Comparison

_CHUNK_ELEMENTS = 1 << 20
"""Elements widened to float64 at once: bounds the working memory at some tens of megabytes for outputs of any size."""


class Incomparable(Failed):
    """Two tensors cannot be compared at all: an output is missing, or of another shape or kind."""


def compare(
    output: str,
    actual: NDArray[Any],
    expected: NDArray[Any],
    info_actual: TensorInfo | None = None,
    info_expected: TensorInfo | None = None,
    *,
    ranked: bool = False,
) -> Comparison:
    """Compare `actual` with `expected`, both shaped (samples, *shape); shapes may differ in axes of length one.

    Args:
        output: canonical name of the output, kept in the result.
        actual, expected: boolean, integer or floating arrays. With an `info` that has a quantisation, the stored
            integers, which are turned into real units (float32, as the runtime's DEQUANTIZE does) before comparison.
        info_actual, info_expected: what is known of each side; `None` for a tensor that is in real units already.
        ranked: the last axis holds the scores of classes, so that top-1 and (with six classes or more) top-5 agreement
            mean something.

    Figures are in real units and computed in float64. `max_lsb` is there when both sides are integers on one scale
    (equal quantisation, or none): stored integers of one artifact, class indices, booleans. `differing_share` is there
    then, too, and for two floating-point tensors of one dtype. An output without elements compares equal, with null
    figures.

    SQNR is 10·log10(Σ expected² / Σ (actual − expected)²), over all samples at once: null where either sum is zero.

    Raises `Incomparable` where the shapes do not match or a dtype is not numeric.
    """
    actual, expected = _aligned(output, np.asarray(actual), np.asarray(expected))
    same_scale = _quantisation(info_actual) == _quantisation(info_expected)
    stored = same_scale and actual.dtype.kind in "biu" and expected.dtype.kind in "biu"
    same_kind = stored or (same_scale and actual.dtype == expected.dtype)
    fields: dict[str, Any] = {"output": output, "elements": int(actual.size), "differing_share": None}
    if same_kind and actual.size:
        differs = _differs(actual, expected)
        fields["differing_share"] = float(np.count_nonzero(differs) / actual.size)
        fields["differing_samples"] = int(np.count_nonzero(differs.reshape(len(differs), -1).any(axis=1)))
    if stored and actual.size:
        fields["max_lsb"] = _largest_integer_difference(actual, expected)

    real_actual = _real(actual, info_actual)
    real_expected = _real(expected, info_expected)
    offender = _first_not_finite(real_actual, real_expected)
    if offender is not None:
        sample, index = offender
        return Comparison(**fields, **_NO_FIGURES, finite=False, worst_sample=sample, worst_index=index)
    if actual.size == 0:
        return Comparison(**fields, **_NO_FIGURES, finite=True)
    fields.update(_errors(real_actual, real_expected))
    if ranked:
        fields.update(_agreements(real_actual, real_expected))
    return Comparison(**fields, finite=True)


_NO_FIGURES: dict[str, Any] = dict.fromkeys(
    ("max_abs", "mean_abs", "rmse", "sqnr_db", "cosine", "smallest_tolerance"), None
)


def _quantisation(info: TensorInfo | None) -> object:
    return None if info is None else info.quantisation


def _aligned(output: str, actual: NDArray[Any], expected: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both sides with the shape of `expected`; a scalar per sample stays (samples,)."""
    for side, tensor in (("actual", actual), ("expected", expected)):
        if tensor.dtype.kind not in "biuf" and tensor.dtype.name != "bfloat16":
            raise Incomparable(f"Output {output!r} cannot be compared: its {side} values are {tensor.dtype}.")
        if tensor.ndim == 0:
            raise Incomparable(f"Output {output!r} cannot be compared: its {side} values lack the sample axis.")
    if actual.shape == expected.shape:
        return actual, expected
    essential = [tuple(length for length in tensor.shape[1:] if length != 1) for tensor in (actual, expected)]
    if actual.shape[0] != expected.shape[0] or essential[0] != essential[1]:
        raise Incomparable(
            f"Output {output!r} has shape {actual.shape} where {expected.shape} (samples first) was expected; "
            "check whether outputs were swapped or the conversion changed the signature."
        )
    return actual.reshape(expected.shape), expected


def _real(values: NDArray[Any], info: TensorInfo | None) -> NDArray[Any]:
    if info is None or info.quantisation is None or values.dtype.kind not in "iu":
        return values
    return np.asarray(info.to_real(values))


def _differs(actual: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.bool_]:
    unequal: NDArray[np.bool_] = actual != expected
    if actual.dtype.kind == "f":
        # Two NaNs are the same stored value as far as "does it differ" goes; that they fail is `finite`'s business.
        unequal = unequal & ~(np.isnan(actual) & np.isnan(expected))
    return unequal


def _largest_integer_difference(actual: NDArray[Any], expected: NDArray[Any]) -> int:
    """Exact for every integer type: differences are taken modulo 2^64, where int64 subtraction would overflow."""
    if np.can_cast(actual.dtype, np.int32) and np.can_cast(expected.dtype, np.int32):
        return int(np.abs(actual.astype(np.int64) - expected.astype(np.int64)).max())
    if {actual.dtype.name, expected.dtype.name} > {"uint64"}:
        # Unsigned 64-bit against signed has no common type; Python's integers do, and the case is too rare to tune.
        return max(abs(int(a) - int(e)) for a, e in zip(actual.flat, expected.flat, strict=True))
    common = np.promote_types(actual.dtype, expected.dtype)
    larger = np.maximum(actual.astype(common), expected.astype(common)).astype(np.uint64)
    smaller = np.minimum(actual.astype(common), expected.astype(common)).astype(np.uint64)
    return int((larger - smaller).max())


def _first_not_finite(actual: NDArray[Any], expected: NDArray[Any]) -> tuple[int, tuple[int, ...]] | None:
    """Sample and index of the first value that is NaN, or infinite where the other side is not the same infinity."""
    if actual.dtype.kind in "biu" and expected.dtype.kind in "biu":
        return None
    good = np.isfinite(actual) & np.isfinite(expected)
    if good.all():
        return None
    bad = ~(good | (actual == expected))
    if not bad.any():
        return None
    position = np.unravel_index(int(np.argmax(bad)), bad.shape)
    return int(position[0]), tuple(int(axis) for axis in position[1:])


def _chunks(samples: int, elements: int) -> list[slice]:
    step = max(1, _CHUNK_ELEMENTS // max(1, elements // max(1, samples)))
    return [slice(start, min(start + step, samples)) for start in range(0, samples, step)]


def _errors(actual: NDArray[Any], expected: NDArray[Any]) -> dict[str, Any]:
    """The error figures over the finite values (the rest are equal infinities)."""
    samples = actual.shape[0]
    total_abs = total_square = total_signal = total_cosine = 0.0
    worst, worst_at, tolerance, counted = -1.0, 0, 0.0, 0
    with np.errstate(over="ignore", invalid="ignore"):
        for part in _chunks(samples, actual.size):
            one = actual[part].reshape(part.stop - part.start, -1).astype(np.float64)
            two = expected[part].reshape(part.stop - part.start, -1).astype(np.float64)
            use = np.isfinite(two)
            if not use.all():
                one, two = np.where(use, one, 0.0), np.where(use, two, 0.0)
            counted += int(np.count_nonzero(use))
            error = np.abs(one - two)
            largest = int(np.argmax(error))
            if error.flat[largest] > worst:
                worst, worst_at = float(error.flat[largest]), part.start * error.shape[1] + largest
            tolerance = max(tolerance, float((error / (1.0 + np.abs(two))).max()))
            total_abs += float(error.sum())
            total_square += float(np.square(error).sum())
            total_signal += float(np.square(two).sum())
            total_cosine += float(_cosines(one, two).sum())
    if counted == 0:  # equal infinities and nothing else
        return {**_NO_FIGURES, "max_abs": 0.0, "mean_abs": 0.0, "rmse": 0.0, "smallest_tolerance": 0.0}
    position = np.unravel_index(worst_at, actual.shape)
    has_ratio = total_square > 0.0 and total_signal > 0.0
    return {
        "max_abs": _finite(worst),
        "mean_abs": _finite(total_abs / counted),
        "rmse": _finite(math.sqrt(total_square / counted)),
        "sqnr_db": _finite(10.0 * (math.log10(total_signal) - math.log10(total_square))) if has_ratio else None,
        "cosine": _finite(total_cosine / samples),
        "smallest_tolerance": _finite(tolerance),
        "worst_sample": int(position[0]),
        "worst_index": tuple(int(axis) for axis in position[1:]),
    }


def _finite(value: float) -> float | None:
    """Null for a figure that float64 cannot hold (errors near the end of float64's own range)."""
    return value if math.isfinite(value) else None


def _cosines(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine similarity of the rows, shaped (rows,): 1 for two zero rows, 0 where only one is zero.

    Rows are scaled by their largest value first: squares of tiny or huge values would under- or overflow.
    """
    length_one, length_two = np.abs(one).max(axis=1), np.abs(two).max(axis=1)
    zero_one, zero_two = length_one == 0.0, length_two == 0.0
    scaled_one = one / np.where(zero_one, 1.0, length_one)[:, None]
    scaled_two = two / np.where(zero_two, 1.0, length_two)[:, None]
    norms = np.sqrt(np.square(scaled_one).sum(axis=1) * np.square(scaled_two).sum(axis=1))
    cosine = (scaled_one * scaled_two).sum(axis=1) / np.where(norms == 0.0, 1.0, norms)
    result: NDArray[np.float64] = np.clip(np.where(zero_one & zero_two, 1.0, cosine), -1.0, 1.0)
    return result


def _agreements(actual: NDArray[Any], expected: NDArray[Any]) -> dict[str, Any]:
    """Top-1 and top-5 agreement as means over all rows of classes; nothing where there are no two classes."""
    classes = expected.shape[-1] if expected.ndim > 1 else 0
    if classes < 2:
        return {}
    one, two = actual.reshape(-1, classes), expected.reshape(-1, classes)
    top_one = one == one.max(axis=1, keepdims=True)
    top_two = two == two.max(axis=1, keepdims=True)
    shared = np.count_nonzero(top_one & top_two, axis=1)
    either = np.count_nonzero(top_one | top_two, axis=1)
    agreements: dict[str, Any] = {"top1_agreement": float((shared / either).mean()), "answers": len(two)}
    if classes > 5:
        # Fewer than five values strictly above ⇔ at least as large as the fifth largest.
        fifth = np.partition(one, classes - 5, axis=1)[:, classes - 5, None]
        agreements["top5_agreement"] = float(((one >= fifth) & top_two).any(axis=1).mean())
    return agreements
