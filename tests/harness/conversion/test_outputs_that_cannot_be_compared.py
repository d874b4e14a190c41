"""Outputs that are no real numbers of one shape are told at preparation, with what to do about them."""

import numpy as np
import pytest

from harness.conversion.sources.golden import stacked
from harness.conversion.sources.request import BadSource


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([np.array([b"cat"], object), np.array([b"dog"], object)], "'y' is text.*scores, a class index"),
        ([np.array(["v1"]), np.array(["v1"])], "'y' is text"),
        ([np.array([1j]), np.array([2.0 + 0j])], "'y' is complex.*tf.math.imag"),
        ([np.zeros((2, 4)), np.zeros((0, 4)), np.zeros((5, 4))], r"\(0, 4\) in one sample, \(5, 4\) in another.*pad"),
    ],
)
def test_each_is_one_sentence_that_says_what_can_be_done(values, words):
    with pytest.raises(BadSource, match=words):
        stacked("y", values)


def test_numbers_of_one_shape_are_kept_as_they_are():
    assert np.array_equal(stacked("y", [np.float32(1), np.float32(2)]), np.array([1, 2], np.float32))
    assert stacked("y", [np.array([True]), np.array([False])]).shape == (2, 1)
