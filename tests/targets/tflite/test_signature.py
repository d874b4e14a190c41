"""What an interpreter does not hand out."""

import numpy as np
import pytest

from harness_targets.tflite.signature import value_of


class Interpreter:
    """One whose kernels left as many bytes as their results had before."""

    def __init__(self, shape):
        self.shape = np.array(shape, np.int32)

    def get_tensor(self, index):
        raise ValueError("Invalid tensor size.")

    def get_output_details(self):
        return [
            {"index": 3, "shape": np.array([0], np.int32), "dtype": np.float32},
            {"index": 7, "shape": self.shape, "dtype": np.int64},
        ]


def test_a_result_that_holds_nothing_is_nothing_in_its_shape():
    found = value_of(Interpreter([0, 1]), 7)
    assert (found.shape, found.dtype) == ((0, 1), np.int64)


def test_any_other_refusal_stays_one():
    with pytest.raises(ValueError, match="Invalid tensor size"):
        value_of(Interpreter([2, 1]), 7)
