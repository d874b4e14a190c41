"""The model's own figure of merit, and whether a converted model is no worse than the float32 one.

The samples are the same for both models, so the difference is judged on pairs: what counts is how many samples were
*lost* (right before, wrong now) and how many *gained*, not two separate accuracies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.model import Tensors
from harness.parity.comparison import Incomparable
from harness.store.record import TaskMetric

Task = Literal["classification", "regression", "reconstruction", "detection"]
NonInferiorityVerdict = Literal["no worse", "worse", "undecided"]


@dataclass(frozen=True)
class NonInferiority:
    """Accuracy of a candidate minus accuracy of the golden model, on the same samples.

    `low` and `high` are the two-sided score interval at `confidence`; `verdict` is "no worse" where all of it lies
    above −`margin`, "worse" where all of it lies below, and "undecided" where the samples are too few to tell.
    """

    samples: int
    lost: int
    gained: int
    difference: float
    low: float
    high: float
    margin: float
    confidence: float
    verdict: NonInferiorityVerdict


def classified_correctly(scores: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Which samples are classified right, shaped (samples,).

    `scores` are shaped (samples, …, classes), real or stored (quantisation keeps the order), `labels` (samples,) class
    indices. The class is the first largest score, as an application's argmax has it; a single score is the
    probability of class 1 and is cut at one half. A sample with a NaN is wrong. Raises `Incomparable` on other shapes.
    """
    flat = scores.reshape(len(scores), -1) if len(scores) else scores.reshape(0, -1 if scores.size else 1)
    if labels.shape != (len(scores),):
        raise Incomparable(f"Labels shaped {labels.shape} do not fit {len(scores)} samples; one class index a sample.")
    if scores.ndim > 1 and flat.shape[1] != max(1, scores.shape[-1]):
        raise Incomparable(f"An output shaped {scores.shape} has more than one row of class scores a sample.")
    predicted = flat.argmax(axis=1) if flat.shape[1] > 1 else (flat[:, 0] > 0.5).astype(np.int64)
    valid = ~np.isnan(flat).any(axis=1) if flat.dtype.kind == "f" else np.ones(len(flat), dtype=bool)
    result: NDArray[np.bool_] = (predicted == labels) & valid
    return result


def task_metric(
    golden: NDArray[Any],
    actual: NDArray[Any],
    labels: NDArray[Any] | None,
    task: Task,
    inputs: Tensors | None = None,
) -> TaskMetric | None:
    """The figure of merit on real outputs `golden` and `actual`, both shaped (samples, *shape), or None.

    - classification with labels: `accuracy`, a share, with the samples `lost` and `gained` on the way;
    - regression with labels of as many values as the output: `mean_squared_error`, in the label's unit squared;
    - reconstruction where an input has as many values as the output: `mean_squared_reconstruction_error`, the anomaly
      score of MLPerf Tiny's autoencoder (Banbury et al. 2021) averaged over samples; labels are not needed.
    """
    samples = len(golden)
    if samples == 0:
        return None
    if task == "classification":
        if labels is None:
            return None
        before, after = classified_correctly(golden, labels), classified_correctly(actual, labels)
        return TaskMetric(
            name="accuracy",
            value=float(after.mean()),
            golden=float(before.mean()),
            samples=samples,
            lost=int(np.count_nonzero(before & ~after)),
            gained=int(np.count_nonzero(after & ~before)),
        )
    truth = labels if task == "regression" else _single_input_like(golden, inputs)
    if truth is None or truth.size != golden.size:
        return None
    name = "mean_squared_error" if task == "regression" else "mean_squared_reconstruction_error"
    after_error, before_error = _mean_squared_error(actual, truth), _mean_squared_error(golden, truth)
    if not (math.isfinite(after_error) and math.isfinite(before_error)):
        return None
    return TaskMetric(name=name, value=after_error, golden=before_error, samples=samples, higher_is_better=False)


def _single_input_like(output: NDArray[Any], inputs: Tensors | None) -> NDArray[Any] | None:
    fitting = [array for array in (inputs or {}).values() if array.size == output.size and len(array) == len(output)]
    return fitting[0] if len(fitting) == 1 else None


def _mean_squared_error(values: NDArray[Any], truth: NDArray[Any]) -> float:
    return float(np.square(values.astype(np.float64).ravel() - truth.astype(np.float64).ravel()).mean())


def noninferiority(
    correct_golden: NDArray[np.bool_], correct_candidate: NDArray[np.bool_], margin: float, confidence: float = 0.95
) -> NonInferiority:
    """Paired non-inferiority of a candidate's accuracy; both arrays boolean, shaped (samples,). See
    `noninferiority_from_counts`.

    Raises ValueError on arrays of different or other shapes.
    """
    if correct_golden.shape != correct_candidate.shape or correct_golden.ndim != 1:
        raise ValueError(f"shapes {correct_golden.shape} and {correct_candidate.shape} are not one (samples,)")
    golden, candidate = correct_golden.astype(bool), correct_candidate.astype(bool)
    lost = int(np.count_nonzero(golden & ~candidate))
    gained = int(np.count_nonzero(candidate & ~golden))
    return noninferiority_from_counts(len(golden), lost, gained, margin, confidence)


def noninferiority_from_counts(
    samples: int, lost: int, gained: int, margin: float, confidence: float = 0.95
) -> NonInferiority:
    """Same as `noninferiority`, but from the counts of discordant pairs.

    The interval is Tango's score interval for a difference of paired proportions (Tango, "Equivalence test and
    confidence interval for the difference in proportions for the paired-sample design", Statistics in Medicine 17,
    1998, 891–908). It is closed-form-free but exact to 1e-9 here (bisection on a monotone score), never leaves [−1, 1],
    and stays valid where no pair is discordant: then it is ±z²/(samples + z²), so that, at 95 %, no fewer than
    z²·(1 − margin)/margin samples (381 for a margin of 1 %) can ever show "no worse". No samples: [−1, 1], undecided.

    Raises ValueError on impossible counts, a negative margin, or a confidence outside (0, 1).
    """
    if min(samples, lost, gained) < 0 or lost + gained > samples:
        raise ValueError(f"impossible counts: {lost} lost and {gained} gained of {samples} samples")
    if margin < 0.0 or not 0.0 < confidence < 1.0:
        raise ValueError(f"margin {margin} must not be negative, confidence {confidence} must lie between 0 and 1")
    difference = (gained - lost) / samples if samples else 0.0
    low, high = tango_interval(samples, gained, lost, confidence)
    verdict: NonInferiorityVerdict = "no worse" if low > -margin else "worse" if high < -margin else "undecided"
    return NonInferiority(samples, lost, gained, difference, low, high, margin, confidence, verdict)


def tango_interval(samples: int, gained: int, lost: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided score interval of (gained − lost) / samples, after Tango (1998); [−1, 1] without samples."""
    from statistics import NormalDist

    if samples == 0:
        return -1.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    estimate = (gained - lost) / samples
    low = _bisect(lambda delta: _score(samples, gained, lost, delta) - z, -1.0, estimate)
    high = _bisect(lambda delta: _score(samples, gained, lost, delta) + z, estimate, 1.0)
    return low, high


def _score(samples: int, gained: int, lost: int, delta: float) -> float:
    """Tango's statistic: falls with `delta`, and is zero at the estimate.

    (gained − lost − n·δ) / √(n·(2·q + δ·(1 − δ)))), with q the maximum-likelihood share of lost pairs under δ:
    q = (√(B² − 4·A·C) − B) / (2·A), A = 2n, B = −gained − lost + (2n − gained + lost)·δ, C = −lost·δ·(1 − δ).
    """
    numerator = gained - lost - samples * delta
    a = 2.0 * samples
    b = -gained - lost + (2.0 * samples - gained + lost) * delta
    c = -lost * delta * (1.0 - delta)
    q = (math.sqrt(max(0.0, b * b - 4.0 * a * c)) - b) / (2.0 * a)
    variance = samples * (2.0 * q + delta * (1.0 - delta))
    if variance <= 1e-15:
        return 0.0 if abs(numerator) < 1e-12 else math.copysign(math.inf, numerator)
    return numerator / math.sqrt(variance)


def _bisect(falling: Any, low: float, high: float) -> float:
    """The zero of a falling function between `low` and `high`; the end nearer to it where it has no zero there."""
    if falling(low) <= 0.0:
        return low
    if falling(high) >= 0.0:
        return high
    while high - low > 1e-10:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if falling(middle) > 0.0 else (low, middle)
    return 0.5 * (low + high)
