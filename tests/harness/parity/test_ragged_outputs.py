"""An output whose size depends on the data is compared sample by sample, by what each holds."""

import re

import numpy as np
import pytest

from harness.artifact import Quantisation, TensorInfo
from harness.model import DetectionOutputs
from harness.parity.comparison import Incomparable, compare
from harness.parity.edges import compare_edges
from harness.parity.ragged_outputs import compare_output
from harness.ragged import stack_samples

COUNTS = (2, 0, 3, 1)


def sample_rows(counts=COUNTS, width=4):
    random = np.random.default_rng(0)
    return [random.normal(size=(count, width)).astype(np.float32) for count in counts]


def info(name="y", quantisation=None):
    dtype = "float32" if quantisation is None else "int8"
    return TensorInfo(name=name, tensor=name, index=0, shape=(1, 4), dtype=dtype, quantisation=quantisation)


def padded(rows, length, filler=0.0):
    found = np.full((len(rows), length, *rows[0].shape[1:]), filler, rows[0].dtype)
    for index, values in enumerate(rows):
        found[index, : len(values)] = values
    return found


def both(actual, expected, **options):
    """Compared on all edges, as one output of one artifact."""
    found = compare_edges(expected, actual, actual, (info(),), task="regression", reference_name="reference", **options)
    return found.conversion[0]


def test_equal_rows_agree_and_their_values_alone_are_counted():
    found = compare_output("y", stack_samples("y", sample_rows()), stack_samples("y", sample_rows()))
    assert (found.elements, found.max_abs, found.differing_share) == (24, 0.0, 0.0)


def test_an_error_is_where_it_is_in_its_sample():
    wrong = sample_rows()
    wrong[2][1, 3] += 1.0
    found = compare_output("y", stack_samples("y", wrong), stack_samples("y", sample_rows()))
    assert (found.worst_sample, found.worst_index, found.differing_samples) == (2, (1, 3), 1)
    assert found.max_abs == pytest.approx(1.0)


def test_figures_are_those_of_the_rows_alone():
    wrong = [values * np.float32(1.01) for values in sample_rows()]
    found = compare_output("y", stack_samples("y", wrong), stack_samples("y", sample_rows()), ranked=True)
    plain = compare("y", np.concatenate(wrong), np.concatenate(sample_rows()), ranked=True)
    names = ("elements", "max_abs", "mean_abs", "rmse", "sqnr_db", "differing_share", "answers", "top1_agreement")
    assert {name: getattr(found, name) for name in names} == {name: getattr(plain, name) for name in names}


def test_the_axis_that_varies_may_be_any():
    turned = [values.T for values in sample_rows()]
    wrong = [values.copy() for values in turned]
    wrong[2][3, 1] += 1.0
    found = compare_output("y", stack_samples("y", wrong), stack_samples("y", turned))
    assert (found.worst_sample, found.worst_index, found.elements) == (2, (3, 1), 24)


@pytest.mark.parametrize("other", [(2, 1, 3, 1), (2, 0, 2, 1)])
def test_another_number_of_rows_is_a_difference_that_is_said(other):
    found = compare_output("y", stack_samples("y", sample_rows(other)), stack_samples("y", sample_rows()))
    assert found.other_sizes == 1
    assert found.sizes_note.startswith("first in sample ")
    assert found.elements == 4 * sum(min(pair) for pair in zip(other, COUNTS, strict=True))


def test_as_many_rows_on_both_sides_are_said_too():
    assert both(stack_samples("y", sample_rows()), stack_samples("y", sample_rows())).other_sizes == 0
    assert both({"y": np.ones((4, 6), np.float32)}, {"y": np.ones((4, 6), np.float32)}).other_sizes is None


def test_rows_on_one_side_alone_leave_nothing_to_compare():
    """To say that nothing was found would be false: one side found some."""
    none = [np.zeros((0, 4), np.float32)] * 4
    with pytest.raises(Incomparable, match=r"'y' has another size in 3 of 4 samples, first in sample 0"):
        compare_output(
            "y", stack_samples("y", [*none[:3], np.zeros((0, 4), np.float32)]), stack_samples("y", sample_rows())
        )


def test_zeros_beyond_are_padding_where_a_side_has_one_size():
    found = compare_output("y", {"y": padded(sample_rows(), 5)}, stack_samples("y", sample_rows()))
    assert (found.elements, found.max_abs) == (24, 0.0)


def test_padding_is_zero_in_real_units():
    scale = info(quantisation=Quantisation(scale=0.5, zero_point=3))
    stored = [np.full((count, 4), 7, np.int8) for count in COUNTS]
    real = [np.full((count, 4), 2.0, np.float32) for count in COUNTS]
    found = compare_output("y", {"y": padded(stored, 5, filler=3)}, stack_samples("y", real), scale)
    assert (found.elements, found.max_abs) == (24, 0.0)
    other = compare_output("y", {"y": padded(stored, 5, filler=0)}, stack_samples("y", real), scale)
    assert (other.elements, other.other_sizes) == (24, 4)


def test_zeros_of_a_side_that_varies_are_values():
    more = sample_rows()
    more[1] = np.zeros((1, 4), np.float32)
    assert compare_output("y", stack_samples("y", more), stack_samples("y", sample_rows())).other_sizes == 1


def test_a_row_that_is_repeated_is_a_difference_and_the_sentence_says_what_it_looks_like():
    found = compare_output("y", {"y": padded(sample_rows(), 5, filler=0.25)}, stack_samples("y", sample_rows()))
    assert (found.other_sizes, found.max_abs) == (4, 0.0)
    assert re.search(r"\(5, 4\) where \(2, 4\).*repeats one row, as padding", found.sizes_note)


def test_nothing_against_padding_compares_nothing():
    found = both({"y": np.zeros((4, 10, 4), np.float32)}, {"y": np.zeros((4, 0, 4), np.float32)})
    assert found.elements == 0


def test_shapes_that_do_not_depend_on_the_data_are_held_to_as_before():
    with pytest.raises(Incomparable, match="has shape"):
        both({"y": np.ones((4, 6, 4), np.float32)}, {"y": np.ones((4, 5, 4), np.float32)})


def test_all_edges_take_such_an_output():
    found = both(stack_samples("y", sample_rows()), stack_samples("y", sample_rows()))
    assert (found.elements, found.max_abs) == (24, 0.0)


@pytest.mark.parametrize("lost", [0, 1])
def test_a_detector_may_find_another_number_of_boxes(lost):
    """Matching by overlap decides; a box that is not found is one that is not matched."""
    box = np.array([0.1, 0.1, 0.5, 0.5], np.float32)

    def side(counts):
        found = stack_samples("boxes", [np.tile(box, (count, 1)) + np.arange(count)[:, None] for count in counts])
        found |= stack_samples("scores", [np.full(count, 0.9, np.float32) for count in counts])
        return found | stack_samples("classes", [np.zeros(count, np.float32) for count in counts])

    names = DetectionOutputs(boxes="boxes", scores="scores", classes="classes")
    expected, actual = side((2, 0, 3)), side((2, 0, 3 - lost))
    infos = tuple(info(name) for name in names.names)
    found = compare_edges(
        expected, actual, actual, infos, task="detection", reference_name="reference", detection=names
    )
    (boxes,) = [one for one in found.conversion if one.output == "boxes"]
    assert (boxes.answers, boxes.top1_agreement) == (10 - lost, pytest.approx(1.0 - lost / (10 - lost)))
