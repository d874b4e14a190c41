"""Change points: found where they are, with their size, and not where none is."""

import numpy as np
import pytest

from harness.history.change_points import MINIMUM_RUNS, clipped, exact_steps, noisy_steps
from tests.benchmarks.planted import planted


def noisy(levels: list[tuple[int, float]], deviation: float = 0.01, seed: int = 0) -> np.ndarray:
    values = np.concatenate([np.full(count, level) for count, level in levels])
    return values * np.exp(np.random.default_rng(seed).normal(0.0, deviation, len(values)))


class TestExact:
    def test_every_change_is_a_step_of_its_very_size(self) -> None:
        steps = exact_steps([100, 100, 110, 110, 99])
        assert [(step.index, step.before, step.after) for step in steps] == [(2, 100, 110), (4, 110, 99)]
        assert steps[0].size == steps[0].low == steps[0].high == pytest.approx(0.1)
        assert steps[1].size == pytest.approx(-0.1)

    def test_from_zero_the_size_is_a_difference(self) -> None:
        (step,) = exact_steps([0, 3])
        assert (step.size, step.relative) == (3, False)

    def test_a_lasting_nan_is_no_change(self) -> None:
        assert exact_steps([float("nan"), float("nan")]) == []

    @pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0]])
    def test_nothing_changes_where_nothing_changed(self, values: list[float]) -> None:
        assert exact_steps(values) == []


class TestNoisy:
    def test_a_step_is_found_with_an_interval_that_holds_it(self) -> None:
        (step,) = noisy_steps(noisy([(60, 1.0), (60, 1.05)]))
        assert abs(step.index - 60) <= 2
        assert step.low <= 0.05 <= step.high
        assert step.high - step.low < 0.02

    def test_two_changes_near_each_other_are_both_found(self) -> None:
        steps = noisy_steps(noisy([(60, 1.0), (12, 1.10), (60, 1.0)]))
        assert [abs(step.index - place) <= 1 for step, place in zip(steps, (60, 72), strict=True)] == [True, True]

    def test_a_small_change_beside_a_large_one_is_found(self) -> None:
        steps = noisy_steps(noisy([(60, 1.0), (60, 1.4), (60, 1.44)], 0.008))
        assert len(steps) == 2

    def test_changes_that_later_ones_take_back_are_found(self) -> None:
        """The mean of all that follows the first step is that of what came before it."""
        steps = noisy_steps(noisy([(149, 1.0), (76, 1.2), (88, 1.0), (52, 0.83)]))
        assert [abs(step.index - place) <= 1 for step, place in zip(steps, (149, 225, 313), strict=True)] == [True] * 3

    def test_a_step_is_seen_by_five_runs(self) -> None:
        assert noisy_steps(noisy([(80, 1.0), (MINIMUM_RUNS, 1.2)]))
        assert not noisy_steps(noisy([(80, 1.0), (MINIMUM_RUNS - 1, 1.2)]))

    def test_single_bad_days_are_no_change(self) -> None:
        values = noisy([(120, 1.0)])
        values[[10, 50, 51, 90, 119]] *= 1.5
        assert noisy_steps(values) == []

    def test_a_memory_from_day_to_day_is_not_taken_for_changes(self) -> None:
        """Plain t-tests take each of these values for independent."""
        generator, alarms = np.random.default_rng(5), 0
        for _ in range(30):
            noise = np.zeros(200)
            for day in range(1, 200):
                noise[day] = 0.6 * noise[day - 1] + generator.normal(0, 0.01)
            alarms += len(noisy_steps(np.exp(noise)))
        assert alarms <= 6

    def test_steps_below_one_percent_are_left_out_unless_asked_for(self) -> None:
        values = noisy([(100, 1.0), (100, 1.006)], 0.002)
        assert noisy_steps(values) == []
        assert len(noisy_steps(values, smallest=0.0)) == 1

    @pytest.mark.parametrize("values", [[], [1.0], [1.0] * 9, [1.0] * 50, [0.0] * 50])
    def test_short_and_constant_series_have_none(self, values: list[float]) -> None:
        assert noisy_steps(values) == []

    def test_a_step_without_any_noise_is_found(self) -> None:
        (step,) = noisy_steps([1.0] * 20 + [2.0] * 20)
        assert (step.index, step.size) == (20, 1.0)

    def test_values_that_are_not_positive_change_by_differences(self) -> None:
        values = np.random.default_rng(0).normal(0.0, 1.0, 100)
        values[50:] += 10.0
        (step,) = noisy_steps(values)
        assert not step.relative
        assert step.low < 10.0 < step.high

    def test_the_same_series_gives_the_same_answer(self) -> None:
        values = planted(3, 0.05).values
        assert noisy_steps(values) == noisy_steps(values)

    def test_a_long_series_is_searched_in_windows(self) -> None:
        steps = noisy_steps(noisy([(1300, 1.0), (1300, 1.05), (400, 1.0)]))
        assert [abs(step.index - place) <= 2 for step, place in zip(steps, (1300, 2600), strict=True)] == [True, True]


def test_clipping_keeps_steps_and_brings_outliers_near() -> None:
    values = np.log(noisy([(30, 1.0), (30, 1.3)]))
    outlier = values.copy()
    outlier[15] += 1.0
    clip = clipped(outlier)
    assert clip[15] < 0.1
    assert np.median(clip[30:]) - np.median(clip[:30]) == pytest.approx(np.log(1.3), abs=0.01)
