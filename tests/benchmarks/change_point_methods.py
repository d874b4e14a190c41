"""What the harness's change points are held against: `ruptures`, and a threshold as CI jobs have one.

    python -m tests.benchmarks.change_point_methods

prints what each penalty finds on other seeds than those of the benchmark (`TUNING_SEEDS`), under the noise on which
the levels of the harness were chosen. There the factors below were taken: of each method the one that finds most of
2 % with no more than 0.05 alarms a year, which is what the harness gives there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harness.history.change_points import MINIMUM_RUNS, clipped, noisy_steps

Values = NDArray[np.float64]
"""Medians in milliseconds, shaped (days,)."""
Method = Callable[[Values], list[int]]
"""The first day after each change that it finds."""

TUNING_SEEDS = range(100, 160)
SQUARES_TUNED, CLIPPED_TUNED, RADIAL_TUNED = 96.0, 8.0, 0.8


def e_divisive(values: Values) -> list[int]:
    return [step.index for step in noisy_steps(values.tolist())]


def squares(factor: float, outliers: Callable[[Values], Values] = lambda level: level) -> Method:
    """PELT with a squared cost (exact, every day allowed); the penalty is `factor`·σ²·log n, with σ² estimated from
    first differences: 3 is near the Bayesian information criterion."""

    def find(values: Values) -> list[int]:
        level = np.log(values)
        deviation = 1.4826 * np.median(np.abs(np.diff(level))) / np.sqrt(2.0)
        return _pelt("linear", outliers(level), factor * deviation**2 * np.log(len(level)))

    return find


def radial(factor: float) -> Method:
    """PELT with the radial kernel, which outliers lead less, its width by the median heuristic; the penalty is
    `factor`·log n."""

    def find(values: Values) -> list[int]:
        return _pelt("rbf", np.log(values), factor * np.log(len(values)))

    return find


def threshold(values: Values) -> list[int]:
    """An alarm when a day differs by more than 5 % from the median of the week before, as CI jobs do."""
    before = [np.median(values[max(0, day - 7) : day]) for day in range(1, len(values))]
    away = np.abs(values[1:] / before - 1.0) > 0.05
    return [day + 1 for day in range(len(away)) if away[day] and not (day and away[day - 1])]


def _pelt(kernel: str, level: Values, penalty: float) -> list[int]:
    # KernelCPD is PELT in C: with the linear kernel the cost is that of squares.
    import ruptures  # with SciPy's statistics, which every process that collects would import

    search = ruptures.KernelCPD(kernel=kernel, min_size=MINIMUM_RUNS, jump=1).fit(level[:, None])
    return [int(place) for place in search.predict(pen=penalty)[:-1]]


METHODS: dict[str, Method] = {
    "E-Divisive (harness)": e_divisive,
    "PELT l2, BIC": squares(3.0),
    "PELT l2, tuned": squares(SQUARES_TUNED),
    "PELT l2, clipped, tuned": squares(CLIPPED_TUNED, clipped),
    "PELT rbf, tuned": radial(RADIAL_TUNED),
    "threshold 5 %": threshold,
}


def main() -> None:
    """The command."""
    from tests.benchmarks.planted import NOISES
    from tests.benchmarks.test_history_scale import score

    noise = next(iter(NOISES))
    tried = {"E-Divisive": e_divisive}
    tried |= {f"squares {factor:g}": squares(factor) for factor in (3, 12, 24, 48, 72, 96, 128)}
    tried |= {f"squares, clipped {factor:g}": squares(factor, clipped) for factor in (6, 7, 8, 9, 12)}
    tried |= {f"radial {factor:g}": radial(factor) for factor in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.5, 2.0)}
    for name, method in tried.items():
        found = [score(method, size, TUNING_SEEDS, noise) for size in (0.0, 0.02, 0.05, 0.20)]
        print(f"{name:24}", "  ".join("/".join(f"{value:.2f}" for value in one.values()) for one in found), flush=True)


if __name__ == "__main__":
    main()
