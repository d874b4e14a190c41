"""An output whose size depends on the data is told at preparation, with what to do about it."""

import numpy as np
import pytest

from harness.conversion.sources.golden import stacked
from harness.conversion.sources.request import BadSource


def test_both_sizes_are_named():
    with pytest.raises(
        BadSource, match=r"'y' depends on the data \(\(0, 4\) in one sample, \(5, 4\) in another\).*pad it"
    ):
        stacked("y", [np.zeros((2, 4)), np.zeros((0, 4)), np.zeros((5, 4))])


def test_numbers_of_one_shape_are_kept_as_they_are():
    assert np.array_equal(stacked("y", [np.float32(1), np.float32(2)]), np.array([1, 2], np.float32))
    assert stacked("y", [np.array([True]), np.array([False])]).shape == (2, 1)
