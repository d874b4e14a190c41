"""Outputs whose size depends on the data are kept in one array, with the size of each sample beside it."""

import numpy as np
import pytest

from harness.ragged import OtherRank, concatenate_parts, is_sizes, split_samples, stack_samples


def rows(*counts):
    return [np.full((count, 2), count, np.float32) for count in counts]


def test_outputs_of_one_shape_are_one_array_and_nothing_else():
    found = stack_samples("y", rows(3, 3))
    assert list(found) == ["y"]
    assert found["y"].shape == (2, 3, 2)


def test_each_sample_gives_back_what_it_held():
    found = stack_samples("y", rows(2, 0, 5))
    assert found["y"].shape == (3, 5, 2)
    assert found["y"].dtype == np.float32
    assert [values.tolist() for values in split_samples(found, "y")] == [values.tolist() for values in rows(2, 0, 5)]


def test_the_first_samples_are_had_by_slicing_every_array():
    found = {name: values[:2] for name, values in stack_samples("y", rows(2, 0, 5)).items()}
    assert [len(values) for values in split_samples(found, "y")] == [2, 0]


def test_runs_of_samples_are_joined_whatever_they_held():
    parts = [stack_samples("y", rows(2)), stack_samples("y", rows(1, 4)), stack_samples("y", rows(3, 3))]
    assert [len(values) for values in split_samples(concatenate_parts(parts), "y")] == [2, 1, 4, 3, 3]
    assert list(concatenate_parts([stack_samples("y", rows(2)), stack_samples("y", rows(2, 2))])) == ["y"]


def test_samples_of_another_rank_are_refused():
    with pytest.raises(OtherRank, match=r"'y' is shaped \(2,\) in one sample and \(2, 3\)"):
        stack_samples("y", [np.zeros((2, 3)), np.zeros(2)])


def test_an_output_may_be_called_like_sizes():
    assert not is_sizes("sizes:y", {"sizes:y": 0})
    assert is_sizes("sizes:y", {"y": 0, "sizes:y": 0})
