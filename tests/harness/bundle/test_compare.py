"""The comparison that goes into a report says what the harness says, and ends as it should."""

import json

import numpy as np
import pytest

from harness.artifact import Quantisation, TensorInfo
from harness.bundle.compare import figures, is_beyond, main
from harness.parity.comparison import compare

RANDOM = np.random.default_rng(1)
ROUNDING = 1e-5
"""The harness has real values in float32: 128 steps, each good to 2^-24 of the whole, in a difference of one or two."""


@pytest.mark.parametrize("scale", [0.1, 1.5])
def test_figures_are_those_of_the_harness(scale):
    stored = RANDOM.integers(-128, 128, (3, 5, 7), dtype=np.int8)
    other = np.clip(stored.astype(int) + RANDOM.integers(-2, 3, stored.shape), -128, 127).astype(np.int8)
    info = TensorInfo(
        name="y", tensor="y", index=0, shape=(5, 7), dtype="int8", quantisation=Quantisation(scale=scale, zero_point=3)
    )
    ours, theirs = figures(other, stored, scale, 3), compare("y", other, stored, info, info)
    assert ours["steps"] == theirs.max_lsb
    assert ours["sqnr_db"] == pytest.approx(theirs.sqnr_db, rel=ROUNDING)
    assert ours["largest"] == pytest.approx(theirs.max_abs, rel=ROUNDING)
    assert ours["differing"] == theirs.differing_share
    assert ours["tolerance"] == pytest.approx(theirs.smallest_tolerance, rel=ROUNDING)


ONE = np.ones((1, 4), np.float32)
NOT_FINITE = np.array([[1, np.nan, 1, 1]], np.float32)
INFINITE = np.array([[1, np.inf, 1, 1]], np.float32)


@pytest.mark.parametrize(
    ("actual", "expected", "limit", "beyond"),
    [
        (ONE, ONE, {"figure": "sqnr_db", "limit": 80}, False),
        (1.01 * ONE, ONE, {"figure": "sqnr_db", "limit": 80}, True),
        (1.01 * ONE, ONE, {"figure": "sqnr_db", "limit": 30}, False),
        (NOT_FINITE, ONE, {"figure": "sqnr_db", "limit": 80}, True),
        (INFINITE, INFINITE, {"figure": "sqnr_db", "limit": 80}, False),
        (INFINITE, ONE, {"figure": "finite", "limit": 0}, True),
        (1.2 * ONE, ONE, {"figure": "peak", "limit": 0.1}, True),
        (1.2 * ONE, ONE, {"figure": "peak", "limit": 0.3}, False),
        (0 * ONE + 1e-3, 0 * ONE, {"figure": "sqnr_db", "limit": 80}, True),
        (0 * ONE + 1e-5, 0 * ONE, {"figure": "sqnr_db", "limit": 80}, False),
        (np.array([[3]]), np.array([[1]]), {"figure": "steps", "limit": 1}, True),
        (np.array([[2]]), np.array([[1]]), {"figure": "steps", "limit": 1}, False),
        (np.array([[2, 1]]), np.array([[1, 1]]), {"figure": "differing", "limit": 0.1}, True),
        (np.array([[2, 1]]), np.array([[1, 1]]), {"figure": "differing", "limit": 0.5}, False),
    ],
)
def test_a_limit_is_broken_where_a_rule_would_be(actual, expected, limit, beyond):
    assert is_beyond(figures(actual, expected, None, 0), limit) is beyond


@pytest.fixture
def folder(tmp_path):
    fault = {
        "fault": "SUM by itself gives other values.",
        "model": "model.fake",
        "is_stream": False,
        "setting": {},
        "inputs": [{"name": "input_0", "file": "x.npy"}],
        "outputs": [
            {"name": "y", "file": "y.npy", "scale": 0.5, "zero_point": 0, "limit": {"figure": "steps", "limit": 1}}
        ],
    }
    (tmp_path / "fault.json").write_text(json.dumps(fault))
    np.save(tmp_path / "x.npy", np.array([[1, 2], [3, 4]], np.int8))
    np.save(tmp_path / "y.npy", np.array([[2, 4], [6, 8]], np.int8))
    return tmp_path


def ended(folder, infer):
    with pytest.raises(SystemExit) as end:
        main(folder, infer)
    return end.value.code


def test_a_fault_that_shows_ends_with_1_and_says_both_values(folder, capsys):
    assert ended(folder, lambda model, setting, samples, is_stream: [[2 * x + 3] for (x,) in samples]) == 1
    said = capsys.readouterr().out
    assert "4 of 4 values differ, the largest difference is 1.5 (3 steps of 0.5)" in said
    assert "The fault shows: y differs by 3 steps, and at most 1 is allowed." in said
    assert [line.split() for line in said.splitlines() if "[1, 1]" in line] == [["[1,", "1]", "8", "11"]]


def test_a_fault_that_does_not_show_ends_with_0(folder, capsys):
    assert ended(folder, lambda model, setting, samples, is_stream: [[2 * x] for (x,) in samples]) == 0
    assert "The fault does not show." in capsys.readouterr().out


def test_a_runtime_that_is_not_there_is_no_fault(folder, capsys):
    def infer(*_):
        raise ImportError("No module named 'runtime'")

    assert ended(folder, infer) == 2, "Python itself would end with 1"
    assert "It cannot be told: ImportError: No module named 'runtime'" in capsys.readouterr().out


def test_another_shape_is_a_fault(folder):
    assert ended(folder, lambda model, setting, samples, is_stream: [[x[:1]] for (x,) in samples]) == 1
