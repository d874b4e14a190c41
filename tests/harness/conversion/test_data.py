"""Data are tested as they are given, or refused: nothing is silently made into other numbers."""

import numpy as np
import pytest

from harness.conversion.data import fit
from harness.conversion.sources.request import BadSource


def spec(dtype, quantisation=None):
    return {"name": "x", "shape": (2,), "dtype": dtype, "quantisation": quantisation}


SCALED = {"scale": 0.5, "zero_point": 3}


@pytest.mark.parametrize(
    ("values", "dtype", "quantisation"),
    [
        ([[300, 1]], "uint8", None),
        ([[-1, 1]], "uint8", None),
        ([[0.5, 1]], "int32", None),
        ([[np.nan, 1]], "int32", None),
        ([[np.inf, 1]], "int64", None),
        ([[2, 1]], "bool", None),
        ([[np.nan, 1]], "int8", SCALED),
    ],
)
def test_what_the_input_has_no_value_for_is_refused(values, dtype, quantisation):
    with pytest.raises(BadSource, match=r"the data for input 'x' has \S+, for which its \w+ has no value"):
        fit(np.array(values, np.float32), spec(dtype, quantisation))


@pytest.mark.parametrize(
    ("values", "dtype", "quantisation"),
    [
        ([[255, 0]], "uint8", None),
        ([[-5, 7]], "int32", None),
        ([[1, 0]], "bool", None),
        ([[np.nan, np.inf]], "float32", None),
        ([[1e9, -np.inf]], "int8", SCALED),  # saturates, as the runtime's own quantisation does
    ],
)
def test_what_it_has_a_value_for_is_taken(values, dtype, quantisation):
    given = np.array(values, np.float32)
    assert np.array_equal(fit(given, spec(dtype, quantisation)), given, equal_nan=True)
