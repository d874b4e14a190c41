"""Right values in the wrong place are named; nothing else is called so."""

import numpy as np
import pytest

from harness.parity.misplaced_outputs import (
    exchanged_classes,
    exchanged_labels,
    shapes_look_swapped,
    swapped_outputs,
)


@pytest.fixture
def random():
    return np.random.default_rng(3)


def two_outputs(random):
    return {name: random.normal(size=(32, 1, 6)).astype(np.float32) for name in ("p", "q")}


def noisy(values, random, size=0.05):
    return {name: array + size * random.normal(size=array.shape).astype(np.float32) for name, array in values.items()}


def test_two_outputs_in_each_others_place(random):
    expected = two_outputs(random)
    found = noisy(expected, random)
    assert swapped_outputs({"p": found["q"], "q": found["p"]}, expected) == {"p": "q", "q": "p"}


def test_three_outputs_in_a_ring_and_one_in_its_place(random):
    expected = {name: random.normal(size=(32, 4)) for name in "abcd"}
    moved = {"a": expected["b"], "b": expected["c"], "c": expected["a"], "d": expected["d"] + 0.01}
    assert swapped_outputs(moved, expected) == {"a": "b", "b": "c", "c": "a"}


def test_outputs_in_their_place_are_not_swapped_however_wrong_they_are(random):
    expected = two_outputs(random)
    assert swapped_outputs(noisy(expected, random, 5.0), expected) == {}
    assert swapped_outputs({name: np.zeros_like(array) for name, array in expected.items()}, expected) == {}
    assert swapped_outputs(expected, expected) == {}


def test_equal_outputs_are_never_swapped(random):
    same = random.normal(size=(8, 3))
    assert swapped_outputs({"p": same + 0.1, "q": same - 0.1}, {"p": same, "q": same}) == {}


def test_one_output_twice_is_no_swap(random):
    expected = two_outputs(random)
    assert swapped_outputs({"p": expected["q"], "q": expected["q"]}, expected) == {}


def test_a_nan_is_no_swap(random):
    expected = two_outputs(random)
    found = {"p": expected["q"].copy(), "q": expected["p"]}
    found["p"][3, 0, 2] = np.nan
    assert swapped_outputs(found, expected) == {}


def test_outputs_of_other_shapes_look_swapped_by_their_shapes(random):
    expected = {"boxes": np.zeros((8, 1, 4)), "scores": np.zeros((8, 1, 10)), "count": np.zeros((8, 1))}
    swapped = {"boxes": expected["scores"], "scores": expected["boxes"][:, 0], "count": expected["count"]}
    assert shapes_look_swapped(swapped, expected) == {"boxes": "scores", "scores": "boxes"}
    assert shapes_look_swapped(expected, expected) == {}
    assert shapes_look_swapped({**expected, "boxes": np.zeros((8, 1, 5))}, expected) == {}


def scores(random, classes=10, rows=64):
    logits = random.normal(size=(rows, classes)) * 4
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def with_exchanged(values, one, other):
    order = list(range(values.shape[-1]))
    order[one], order[other] = other, one
    return values[..., order]


@pytest.mark.parametrize("shape", [(64, 10), (16, 2, 2, 10)])
def test_two_classes_in_each_others_place(random, shape):
    expected = scores(random).reshape(shape)
    quantised = np.round(with_exchanged(expected, 3, 7) * 255) / 255
    assert exchanged_classes(quantised, expected) == (3, 7)


def test_three_classes_in_a_ring(random):
    expected = scores(random)
    order = [4, 1, 2, 3, 8, 5, 6, 7, 0, 9]
    assert exchanged_classes(expected[:, order], expected) == (0, 4, 8)


def test_two_classes_are_all_there_are(random):
    expected = scores(random, classes=2)
    assert exchanged_classes(with_exchanged(expected, 0, 1), expected) == (0, 1)


def test_classes_in_their_place_are_not_exchanged(random):
    expected = scores(random)
    assert exchanged_classes(expected + 0.1 * random.normal(size=expected.shape), expected) == ()
    assert exchanged_classes(random.normal(size=expected.shape), expected) == ()
    assert exchanged_classes(expected, expected) == ()


def test_an_exchange_that_leaves_most_of_the_error_is_none(random):
    expected = scores(random)
    actual = with_exchanged(expected, 3, 7)
    actual[:, 5] += 10.0
    assert exchanged_classes(actual, expected) == ()


def test_a_whole_block_more_than_fits_one_chunk_is_seen(random):
    expected = scores(random, classes=1024, rows=3000)
    assert exchanged_classes(with_exchanged(expected, 17, 900), expected) == (17, 900)


def labelled(random, accuracy=0.9):
    labels = np.repeat(np.arange(10), 20)
    values = random.normal(size=(200, 10)) * 0.1
    right = random.random(200) < accuracy
    values[np.arange(200), np.where(right, labels, (labels + 1) % 10)] += 1.0
    return values, labels


def test_two_exchanged_labels_are_seen_with_the_float32_model_alone(random):
    values, labels = labelled(random)
    exchanged = np.where(labels == 2, 6, np.where(labels == 6, 2, labels))
    assert exchanged_labels(values, exchanged) == (2, 6)
    assert exchanged_labels(values, labels) is None


def test_a_model_that_has_learnt_nothing_has_no_exchanged_labels(random):
    labels = np.repeat([0, 1], 200)
    assert exchanged_labels(random.normal(size=(400, 2)), labels) is None
    assert exchanged_labels(np.zeros((400, 2)), labels) is None


def test_labels_beyond_the_classes_and_other_shapes_are_passed_over(random):
    assert exchanged_labels(random.normal(size=(4, 3)), np.array([7, -1, 0, 1])) is None
    assert exchanged_labels(random.normal(size=(4, 3)), np.zeros((4, 1))) is None
    assert exchanged_labels(random.normal(size=(4, 1)), np.zeros(4)) is None
