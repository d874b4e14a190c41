"""What `compare` promises, one promise a test."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import array_shapes, arrays

from harness.artifact import Quantisation, TensorInfo
from harness.parity.comparison import Incomparable, compare

real = some.floats(-1e6, 1e6, width=32)


def info(dtype="int8", scale=0.5, zero_point=-3):
    return TensorInfo(
        name="out",
        tensor="out:0",
        index=0,
        shape=(1, 4),
        dtype=dtype,
        quantisation=Quantisation(scale=scale, zero_point=zero_point),
    )


def floats(*rows):
    return np.array(rows, dtype=np.float32)


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=4), elements=real))
def test_equal_tensors_have_no_error(values):
    found = compare("out", values, values.copy(), ranked=True)
    assert found.finite
    assert (found.max_abs, found.mean_abs, found.rmse, found.smallest_tolerance) == (0.0, 0.0, 0.0, 0.0)
    assert found.sqnr_db is None
    assert found.cosine == pytest.approx(1.0)
    assert found.differing_share == 0.0
    assert found.top1_agreement in (None, 1.0)
    assert found.top5_agreement in (None, 1.0)


@given(some.data())
def test_figures_agree_with_their_definitions(data):
    shape = data.draw(array_shapes(min_dims=2, max_dims=3, max_side=5))
    actual, expected = (data.draw(arrays(np.float32, shape, elements=real)) for _ in range(2))
    found = compare("out", actual, expected)
    one, two = actual.astype(np.float64), expected.astype(np.float64)
    error = np.abs(one - two)
    assert found.max_abs == error.max()
    assert found.mean_abs == pytest.approx(error.mean())
    assert found.rmse == pytest.approx(math.sqrt((error**2).mean()))
    assert found.worst_sample is not None
    assert found.worst_index is not None
    assert error[(found.worst_sample, *found.worst_index)] == error.max()
    if (error**2).sum() > 0 and (two**2).sum() > 0:
        assert found.sqnr_db == pytest.approx(10 * math.log10((two**2).sum() / (error**2).sum()))
    assert -1.0 <= found.cosine <= 1.0


@given(some.data())
def test_the_smallest_tolerance_passes_and_a_smaller_one_does_not(data):
    shape = data.draw(array_shapes(min_dims=1, max_dims=3, max_side=5))
    actual, expected = (data.draw(arrays(np.float32, shape, elements=real)) for _ in range(2))
    tolerance = compare("out", actual, expected).smallest_tolerance
    error = np.abs(actual.astype(np.float64) - expected.astype(np.float64))
    allowed = 1.0 + np.abs(expected.astype(np.float64))
    assert (error <= tolerance * (1 + 1e-12) * allowed).all()
    if tolerance > 0:
        assert not (error <= tolerance * (1 - 1e-9) * allowed).all()


def test_large_outputs_are_taken_in_parts_that_add_up(monkeypatch):
    random = np.random.default_rng(1)
    actual, expected = random.normal(size=(2, 37, 5, 3)).astype(np.float32)
    whole = compare("out", actual, expected)
    monkeypatch.setattr("harness.parity.comparison._CHUNK_ELEMENTS", 40)
    parts = compare("out", actual, expected)
    flat = whole.model_dump(exclude={"worst_index", "exchanged_classes"})
    assert parts.worst_index == whole.worst_index
    assert parts.model_dump(exclude={"worst_index", "exchanged_classes"}) == pytest.approx(flat)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_a_nan_or_infinity_on_one_side_is_named_and_leaves_no_figure(bad, side):
    tensors = [np.zeros((3, 2, 2), dtype=np.float32), np.zeros((3, 2, 2), dtype=np.float32)]
    tensors[side][2, 0, 1] = bad
    found = compare("out", *tensors, ranked=True)
    assert not found.finite
    assert (found.worst_sample, found.worst_index) == (2, (0, 1))
    assert found.max_abs is found.sqnr_db is found.smallest_tolerance is found.top1_agreement is None


def test_a_nan_on_both_sides_does_not_agree():
    values = floats([math.nan, 1.0])
    assert not compare("out", values, values).finite


def test_equal_infinities_agree_and_opposite_ones_do_not():
    mask = floats([-math.inf, 1.0], [-math.inf, 2.0])
    found = compare("out", mask + floats([0.0, 0.5], [0.0, 0.5]), mask)
    assert found.finite
    assert (found.max_abs, found.mean_abs) == (0.5, 0.5)
    assert not compare("out", -mask, mask).finite
    everywhere = floats([math.inf], [math.inf])
    assert compare("out", everywhere, everywhere).max_abs == 0.0


def test_stored_integers_of_one_artifact_are_compared_in_steps_and_in_real_units():
    actual, expected = np.array([[-128, 127, 4]], dtype=np.int8), np.array([[127, 127, 5]], dtype=np.int8)
    found = compare("out", actual, expected, info(), info())
    assert found.max_lsb == 255  # which int8 itself could not hold
    assert found.differing_share == pytest.approx(2 / 3)
    assert found.max_abs == pytest.approx(127.5)


def test_stored_integers_against_real_values_have_no_steps():
    stored = np.array([[-3, -1]], dtype=np.int8)
    found = compare("out", stored, floats([0.0, 1.0]), info())
    assert found.max_lsb is None
    assert found.differing_share is None
    assert found.max_abs == 0.0


@given(arrays(np.int8, (4, 3)), arrays(np.int8, (4, 3)))
def test_real_error_of_quantised_outputs_is_steps_times_scale(actual, expected):
    found = compare("out", actual, expected, info(scale=0.25), info(scale=0.25))
    assert found.max_abs == 0.25 * found.max_lsb


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.int32, np.uint8])
def test_integers_are_subtracted_without_overflow(dtype):
    limits = np.iinfo(dtype)
    low, high = np.array([[limits.min]], dtype=dtype), np.array([[limits.max]], dtype=dtype)
    assert compare("out", low, high).max_lsb == compare("out", high, low).max_lsb == limits.max - limits.min


def test_unsigned_against_signed_64_bit_is_exact():
    found = compare("out", np.array([2**64 - 1], dtype=np.uint64), np.array([-1], dtype=np.int64))
    assert found.max_lsb == 2**64


def test_class_indices_of_another_width_are_the_same_integers():
    found = compare("out", np.array([[3], [4]], dtype=np.int32), np.array([[3], [5]], dtype=np.int64))
    assert (found.max_lsb, found.differing_share) == (1, 0.5)


def test_booleans_differ_by_one():
    found = compare("out", np.array([[True, False]]), np.array([[True, True]]))
    assert (found.finite, found.max_lsb, found.differing_share, found.max_abs) == (True, 1, 0.5, 1.0)


def test_half_precision_is_widened_before_subtraction():
    big = np.array([[60000.0]], dtype=np.float16)
    assert compare("out", -big, big).max_abs == pytest.approx(2 * float(big[0, 0]))


def test_values_near_the_end_of_float64_leave_figures_null_rather_than_infinite():
    found = compare("out", np.array([[1e308]]), np.array([[-1e308]]))
    assert found.finite
    assert found.max_abs is found.rmse is None
    found.model_validate_json(found.model_dump_json())


def test_an_output_without_elements_is_equal_and_says_nothing():
    found = compare("out", np.zeros((5, 0), dtype=np.float32), np.zeros((5, 0), dtype=np.float32), ranked=True)
    assert (found.finite, found.elements, found.max_abs, found.differing_share) == (True, 0, None, None)


def test_one_scalar_a_sample():
    found = compare("out", np.array([1.0, 3.0]), np.array([1.0, 2.0]), ranked=True)
    assert (found.max_abs, found.worst_sample, found.worst_index, found.top1_agreement) == (1.0, 1, (), None)


def test_axes_of_length_one_do_not_matter_and_other_shapes_do():
    assert compare("out", np.zeros((4, 1, 3)), np.zeros((4, 3))).max_abs == 0.0
    with pytest.raises(Incomparable, match=r"'out' has shape \(4, 3\) where \(4, 2\)"):
        compare("out", np.zeros((4, 3)), np.zeros((4, 2)))
    with pytest.raises(Incomparable):
        compare("out", np.zeros((3, 1)), np.zeros((1, 3)))


def test_text_and_arrays_without_samples_cannot_be_compared():
    with pytest.raises(Incomparable, match="<U1"):
        compare("out", np.array([["a"]]), np.array([["a"]]))
    with pytest.raises(Incomparable, match="sample axis"):
        compare("out", np.float32(1.0), np.float32(1.0))


def test_cosine_of_zero_rows_and_of_tiny_values():
    zero, one = floats([0.0, 0.0]), floats([1.0, 0.0])
    assert compare("out", zero, zero).cosine == 1.0
    assert compare("out", zero, one).cosine == 0.0
    assert compare("out", one * np.float32(1e-38), one).cosine == pytest.approx(1.0)


class TestRanks:
    def test_top1_counts_samples_with_the_same_best_class(self):
        expected = floats([0, 1, 2], [2, 1, 0], [0, 2, 1], [0, 0, 1])
        actual = floats([0, 1, 2], [2, 1, 0], [0, 2, 1], [1, 0, 0])
        assert compare("out", actual, expected, ranked=True).top1_agreement == 0.75

    def test_a_tie_of_two_with_one_of_them_is_half_an_agreement(self):
        assert compare("out", floats([1, 1, 0]), floats([1, 0, 0]), ranked=True).top1_agreement == 0.5

    def test_equal_ties_agree(self):
        assert compare("out", floats([1, 1, 0]), floats([2, 2, 0]), ranked=True).top1_agreement == 1.0

    def test_a_dead_output_never_agrees(self):
        dead = np.zeros((50, 10), dtype=np.float32)
        decided = np.eye(10, dtype=np.float32)[np.arange(50) % 10]
        assert compare("out", dead, decided, ranked=True).top1_agreement == pytest.approx(0.1)

    def test_top5_needs_six_classes(self):
        assert compare("out", np.zeros((1, 5)), np.zeros((1, 5)), ranked=True).top5_agreement is None
        assert compare("out", np.zeros((1, 6)), np.zeros((1, 6)), ranked=True).top5_agreement == 1.0

    def test_top5_asks_for_the_best_class_among_the_five_best(self):
        expected = floats([9, 0, 0, 0, 0, 0, 0])
        assert compare("out", floats([3, 4, 5, 6, 7, 0, 0]), expected, ranked=True).top5_agreement == 1.0
        assert compare("out", floats([3, 4, 5, 6, 7, 8, 0]), expected, ranked=True).top5_agreement == 0.0
        assert compare("out", floats([3, 4, 5, 6, 7, 3, 0]), expected, ranked=True).top5_agreement == 1.0

    def test_outputs_that_are_no_scores_are_not_ranked(self):
        assert compare("out", floats([1, 2]), floats([1, 2])).top1_agreement is None
