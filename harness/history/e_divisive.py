"""E-Divisive: where the distribution of a series changes most.

Matteson and James, "A nonparametric approach for multiple change point analysis of multivariate data", Journal of the
American Statistical Association 109 (2014), 334–345, here in one dimension and with α = 1, which sees a change of any
kind and is not led by outliers as squares are. The measure between the values X (n of them) left and Y (m of them)
right of a split is, with their equation 5,

    E(X, Y) = 2/(mn) ΣΣ|Xi − Yj| − 1/C(n,2) Σ_{i<k}|Xi − Xk| − 1/C(m,2) Σ_{j<k}|Yj − Yk|

and the split is where Q = mn/(m+n) · E is largest (equation 7) over its place τ and over the end κ of the right-hand
side, so that a change that is undone later is not averaged away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Split:
    """The best split of a part of a series: the first index of the right-hand side, and how far apart the sides are."""

    index: int
    divergence: float


def best_split(values: NDArray[np.float64], minimum: int) -> Split | None:
    """The split of `values`, shaped (n,), with at least `minimum` (≥ 2) values on either side; None where n is too few.

    Time and memory grow with n²: some milliseconds at n = 365. Ties go to the earliest split.
    """
    count = len(values)
    if count < 2 * minimum:
        return None
    sums = np.zeros((count + 1, count + 1))
    sums[1:, 1:] = np.abs(values[:, None] - values[None, :]).cumsum(axis=0).cumsum(axis=1)
    # Rows are τ, the size n of the left side; columns are κ, so that m = κ − τ. Only m ≥ minimum counts.
    inner = sums.diagonal()
    left = np.arange(minimum, count - minimum + 1)
    ends = np.arange(2 * minimum, count + 1)
    within_left = inner[left][:, None]
    across = sums[minimum : count - minimum + 1, 2 * minimum :] - within_left
    within_right = inner[ends][None, :] - within_left - 2.0 * across
    n = left[:, None].astype(np.float64)
    right = ends[None, :] - left[:, None]
    m = np.maximum(right, minimum).astype(np.float64)
    # These sums hold each pair twice, so they are divided by n(n−1), not by C(n,2).
    energy = across * (2.0 / (m * n)) - within_left / (n * (n - 1.0)) - within_right / (m * (m - 1.0))
    divergence = np.where(right >= minimum, m * n / (m + n) * energy, -np.inf)
    row, column = divmod(int(np.argmax(divergence)), divergence.shape[1])
    return Split(int(left[row]), float(divergence[row, column]))
