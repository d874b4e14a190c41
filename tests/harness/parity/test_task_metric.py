"""Task metrics, and the paired non-inferiority test."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.parity.comparison import Incomparable
from harness.parity.task_metric import (
    classified_correctly,
    noninferiority,
    noninferiority_from_counts,
    tango_interval,
    task_metric,
)
from harness.store.record import TaskMetric


@pytest.mark.parametrize(("samples", "gained", "lost"), [(100, 3, 9), (54, 3, 1), (360, 1, 2), (44, 0, 1), (30, 7, 7)])
def test_tango_interval_against_its_definition_solved_without_the_closed_form(samples, gained, lost):
    """The score statistic with the nuisance maximised numerically, and its roots bracketed."""
    from scipy.optimize import brentq, minimize_scalar  # slow to import for every process that collects

    def score(delta):
        def loss(lost_share):
            gained_share = lost_share + delta
            shares = (gained_share, lost_share, 1 - gained_share - lost_share)
            counts = (gained, lost, samples - gained - lost)
            if min(shares) < 0:
                return math.inf
            return -sum(
                count * math.log(share) if count else 0.0
                for count, share in zip(counts, shares, strict=True)
                if share > 0 or count
            )

        least, most = max(0.0, -delta), (1 - delta) / 2
        q = minimize_scalar(loss, bounds=(least + 1e-12, most - 1e-12), method="bounded", options={"xatol": 1e-12}).x
        return (gained - lost - samples * delta) / math.sqrt(samples * (2 * q + delta - delta**2))

    z = NormalDist().inv_cdf(0.975)
    estimate = (gained - lost) / samples
    low, high = tango_interval(samples, gained, lost)
    assert low == pytest.approx(brentq(lambda delta: score(delta) - z, -0.9, estimate - 1e-9), abs=1e-5)
    assert high == pytest.approx(brentq(lambda delta: score(delta) + z, estimate + 1e-9, 0.9), abs=1e-5)


@given(some.integers(1, 500), some.data())
def test_interval_holds_the_estimate_stays_in_range_and_mirrors(samples, data):
    gained = data.draw(some.integers(0, samples))
    lost = data.draw(some.integers(0, samples - gained))
    low, high = tango_interval(samples, gained, lost)
    assert -1.0 <= low <= (gained - lost) / samples <= high <= 1.0
    mirrored = tango_interval(samples, lost, gained)
    assert (-mirrored[1], -mirrored[0]) == pytest.approx((low, high), abs=1e-6)


@given(some.integers(1, 2000))
def test_without_discordant_pairs_the_interval_is_z2_over_n_plus_z2(samples):
    z2 = NormalDist().inv_cdf(0.975) ** 2
    assert tango_interval(samples, 0, 0) == pytest.approx((-z2 / (samples + z2), z2 / (samples + z2)), abs=1e-8)


@given(some.integers(10, 300), some.integers(0, 4), some.integers(0, 4))
def test_more_discordant_pairs_of_one_difference_widen_the_interval(samples, gained, lost):
    narrow, wide = tango_interval(samples, gained, lost), tango_interval(samples, gained + 1, lost + 1)
    assert wide[0] <= narrow[0] + 1e-9
    assert wide[1] >= narrow[1] - 1e-9


def test_coverage_is_near_what_it_says():
    random = np.random.default_rng(7)
    counts = random.multinomial(200, [0.03, 0.05, 0.92], size=1000)
    hits = sum(low <= -0.02 <= high for low, high in (tango_interval(200, int(g), int(lost)) for g, lost, _ in counts))
    assert 0.93 <= hits / 1000 <= 0.98


def test_verdicts():
    assert noninferiority_from_counts(10_000, 5, 5, 0.01).verdict == "no worse"
    assert noninferiority_from_counts(1000, 80, 5, 0.01).verdict == "worse"
    assert noninferiority_from_counts(100, 0, 0, 0.01).verdict == "undecided"


def test_the_fewest_samples_that_can_show_a_margin_of_one_percent():
    assert noninferiority_from_counts(380, 0, 0, 0.01).verdict == "undecided"
    assert noninferiority_from_counts(381, 0, 0, 0.01).verdict == "no worse"


def test_pairs_are_counted():
    golden = np.array([True, True, True, False, False])
    candidate = np.array([True, False, False, True, False])
    result = noninferiority(golden, candidate, 0.01)
    assert (result.samples, result.lost, result.gained, result.difference) == (5, 2, 1, pytest.approx(-0.2))


def test_no_samples_decide_nothing():
    result = noninferiority(np.zeros(0, dtype=bool), np.zeros(0, dtype=bool), 0.01)
    assert (result.low, result.high, result.verdict) == (-1.0, 1.0, "undecided")


def test_impossible_questions_are_refused():
    with pytest.raises(ValueError):
        noninferiority(np.zeros(3, dtype=bool), np.zeros(4, dtype=bool), 0.01)
    with pytest.raises(ValueError):
        noninferiority_from_counts(3, 2, 2, 0.01)
    with pytest.raises(ValueError):
        noninferiority_from_counts(3, 1, 1, -0.01)


class TestMetrics:
    def test_accuracy_takes_the_first_of_tied_classes_as_an_application_does(self):
        scores = np.array([[1, 1, 0], [0, 2, 2], [3, 0, 0]], dtype=np.int8)
        assert classified_correctly(scores, np.array([0, 2, 0])).tolist() == [True, False, True]

    def test_a_single_score_is_cut_at_one_half(self):
        scores = np.array([[0.4], [0.6]], dtype=np.float32)
        assert classified_correctly(scores, np.array([0, 1])).all()
        assert classified_correctly(scores[:, 0], np.array([0, 1])).all()

    def test_a_nan_is_never_right(self):
        assert not classified_correctly(np.array([[math.nan, 0.0]]), np.array([0])).any()

    def test_labels_that_do_not_fit(self):
        with pytest.raises(Incomparable, match="one class index a sample"):
            classified_correctly(np.zeros((3, 2)), np.zeros(2, dtype=int))
        with pytest.raises(Incomparable, match="more than one row"):
            classified_correctly(np.zeros((3, 2, 2)), np.zeros(3, dtype=int))

    def test_accuracy(self):
        golden = np.eye(4, dtype=np.float32)
        metric = task_metric(golden, golden[::-1].copy(), np.arange(4), "classification")
        assert metric is not None
        assert (metric.name, metric.golden, metric.value, metric.samples) == ("accuracy", 1.0, 0.0, 4)

    def test_what_was_lost_and_gained_is_counted_sample_by_sample(self):
        labels = np.array([0, 1, 2, 0, 1])
        golden = np.eye(3)[[0, 1, 2, 1, 0]]  # right, right, right, wrong, wrong
        actual = np.eye(3)[[0, 2, 0, 0, 2]]  # right, lost, lost, gained, wrong still
        metric = task_metric(golden, actual, labels, "classification")
        assert metric is not None
        assert (metric.lost, metric.gained) == (2, 1)
        assert metric.value - metric.golden == pytest.approx((metric.gained - metric.lost) / metric.samples)

    def test_a_sample_of_a_regression_is_neither_right_nor_wrong(self):
        metric = task_metric(np.ones((2, 1)), np.zeros((2, 1)), np.ones(2), "regression")
        assert metric is not None
        assert (metric.lost, metric.gained) == (None, None)

    def test_a_record_from_before_they_were_counted_can_still_be_read(self):
        old = '{"name":"accuracy","value":0.96,"golden":0.97,"samples":360,"higher_is_better":true}'
        metric = TaskMetric.model_validate_json(old)
        assert (metric.lost, metric.gained) == (None, None)

    def test_no_labels_no_accuracy(self):
        assert task_metric(np.eye(4), np.eye(4), None, "classification") is None

    def test_reconstruction_error_is_taken_against_the_input(self):
        inputs = {"x": np.full((2, 1, 3), 2.0, dtype=np.float32)}
        metric = task_metric(np.ones((2, 1, 3)), np.zeros((2, 1, 3)), None, "reconstruction", inputs)
        assert metric is not None
        assert (metric.value, metric.golden, metric.higher_is_better) == (4.0, 1.0, False)
        assert task_metric(np.ones((2, 4)), np.ones((2, 4)), None, "reconstruction", inputs) is None
        assert task_metric(np.ones((2, 4)), np.ones((2, 4)), None, "reconstruction") is None

    def test_regression_error_is_taken_against_labels_of_its_shape(self):
        metric = task_metric(np.ones((2, 1)), np.zeros((2, 1)), np.ones(2), "regression")
        assert metric is not None
        assert (metric.name, metric.value, metric.golden) == ("mean_squared_error", 1.0, 0.0)
        assert task_metric(np.ones((2, 3)), np.ones((2, 3)), np.ones(2), "regression") is None
