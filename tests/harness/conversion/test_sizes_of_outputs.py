"""An output whose size depends on the data is prepared with each sample's size; what cannot be is told, with what to do
about it."""

import numpy as np
import pytest

from harness.conversion.conditioning import comparable
from harness.conversion.prepare import renamed
from harness.conversion.sources.request import BadSource
from harness.conversion.sources.tensorflow_outputs import not_repeated, stacked
from harness.ragged import split_samples


def test_each_sample_keeps_its_size():
    found = stacked("y", [np.ones((2, 4)), np.ones((0, 4)), np.ones((5, 4))])
    assert [values.shape for values in split_samples(found, "y")] == [(2, 4), (0, 4), (5, 4)]


@pytest.mark.parametrize("others", [[(5, 3)], [(2,)]])
def test_sizes_that_vary_in_more_than_one_axis_are_named(others):
    with pytest.raises(BadSource, match=r"'y' depends on the data in more than one axis.*\(2, 4\).*pad it"):
        stacked("y", [np.zeros((2, 4)), *(np.zeros(shape) for shape in others)])


def test_numbers_of_one_shape_are_kept_as_they_are():
    (found,) = stacked("y", [np.float32(1), np.float32(2)]).values()
    assert np.array_equal(found, np.array([1, 2], np.float32))
    assert stacked("y", [np.array([True]), np.array([False])])["y"].shape == (2, 1)


def test_sizes_take_the_name_of_their_output():
    assert list(renamed(stacked("a", [np.zeros(1), np.zeros(2)]), {"a": "scores/out:0"})) == [
        "scores/out:0",
        "sizes:scores/out:0",
    ]


@pytest.mark.parametrize(("again", "said"), [(2, ""), (3, r"shaped (3, 4) and not (2, 4)")])
def test_a_source_repeats_itself_where_it_gives_as_many_rows_again(again, said):
    golden = stacked("y", [np.ones((2, 4)), np.ones((5, 4))])
    found = not_repeated(lambda sample: {"y": np.ones((again, 4))}, {"x": np.zeros((1, 3))}, golden)
    assert said in found
    assert bool(found) == bool(said)


def test_rows_that_come_and_go_say_nothing_of_rounding():
    still = stacked("y", [np.ones((2, 4)), np.ones((5, 4))])
    one, two = comparable(stacked("y", [np.ones((2, 4)), np.ones((5, 4))]), still, "y")
    assert one.shape == two.shape == (28,)
    one, two = comparable(stacked("y", [np.ones((3, 4)), np.ones((5, 4))]), still, "y")
    assert one.size == two.size == 0
