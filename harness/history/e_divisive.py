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
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Split:
    """The best split of a part of a series: the first index of the right-hand side, the index after its last (κ), and
    how far apart the sides are."""

    index: int
    end: int
    divergence: float


def best_split(values: NDArray[np.float64], minimum: int) -> Split | None:
    """The split of `values`, shaped (n,), with at least `minimum` (≥ 2) values on either side; None where n is too few.

    Time and memory grow with n²: one or two milliseconds at n = 365. Ties go to the earliest split.
    """
    count = len(values)
    if count < 2 * minimum:
        return None
    sums = np.abs(values[:, None] - values[None, :])
    sums = np.cumsum(np.cumsum(sums, axis=0, out=sums), axis=1, out=sums)
    # Rows are τ, the size n of the left side; columns are κ, so that m = κ − τ.
    rows, columns = slice(minimum - 1, count - minimum), slice(2 * minimum - 1, count)
    inner = sums.diagonal()
    weights = _weights(minimum, 1 << (count - 1).bit_length())[:, : count - 2 * minimum + 1, : count - 2 * minimum + 1]
    # In one place after the other: the arrays are larger than a processor's cache.
    divergence = np.multiply(sums[rows, columns], weights[0])
    term = np.multiply(weights[1], inner[rows][:, None])
    divergence += term
    np.multiply(weights[2], inner[columns][None, :], out=term)
    divergence -= term
    divergence += weights[3]
    row, column = divmod(int(np.argmax(divergence)), divergence.shape[1])
    return Split(minimum + row, 2 * minimum + column, float(divergence[row, column]))


@lru_cache(maxsize=8)
def _weights(minimum: int, count: int) -> NDArray[np.float64]:
    """Weights that turn sums into Q, shaped (4, rows, columns), for series of up to `count` values.

    With A the sum of |Xi − Xj| over the rows left of τ and the columns left of κ, L that over the left side alone and W
    that over all left of κ (each pair twice in both), ΣΣ|Xi − Yj| is A − L and the right side's own sum W + L − 2A, so

        Q = 2(A − L)/κ − m·L/(κ(n−1)) − n(W + L − 2A)/(κ(m−1))

    The weights of A, L and −W hold nothing but n and κ, and are the same for every series. The fourth is −∞ where the
    right side has too few values.
    """
    n = np.arange(minimum, count - minimum + 1, dtype=np.float64)[:, None]
    total = np.arange(2 * minimum, count + 1, dtype=np.float64)[None, :]
    m = np.maximum(total - n, minimum)
    right = n / (total * (m - 1.0))
    left = m / (total * (n - 1.0))
    allowed = np.where(total - n >= minimum, 0.0, -np.inf)
    return np.stack([2.0 / total + 2.0 * right, -2.0 / total - left - right, right, allowed])
