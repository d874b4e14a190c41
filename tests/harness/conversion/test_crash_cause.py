"""Advice after a converter's crash is given where its cause was seen, and nowhere else."""

import numpy as np
import pytest

from harness.conversion.crash_cause import cause
from harness.errors import Crashed
from harness.remedies.explain import reason

DIED = "the converter died of SIGSEGV during 'convert'"
FINITE = {"y": np.zeros((2, 3), np.float32)}
INFINITE = {"n": np.zeros((2,), np.int32), "y": np.array([[0.0, -np.inf]], np.float32)}


@pytest.fixture
def saved_model(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"...\x12\x06MatMul...WhileName\x12\x04Relu")
    return tmp_path


@pytest.fixture
def with_a_loop(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"...\n\x05while\x12\x0eStatelessWhile\x1a")
    return tmp_path


def test_infinite_values_are_told_by_the_golden_or_by_the_log(saved_model):
    of_golden = cause("", saved_model, INFINITE)
    assert "output 'y' has infinite values" in of_golden
    inside = cause("error: scale out of expressed type range [1.4e-45, 3.4e+38]", saved_model, FINITE)
    assert "infinite values inside the model" in inside
    for seen in (of_golden, inside):
        told = reason(Crashed(f"{DIED}. {seen}"))
        assert "clip before a logarithm" in told
        assert "unroll" not in told


def test_a_loop_is_told_by_the_graph(with_a_loop):
    told = reason(Crashed(f"{DIED}. {cause('', with_a_loop, FINITE)}"))
    assert "unroll=True" in told


def test_where_nothing_was_seen_nothing_is_guessed(saved_model, tmp_path):
    assert cause("", saved_model, FINITE) == ""
    assert cause("", tmp_path / "nothing", {}) == ""
    told = reason(Crashed(f"{DIED}."))
    assert "was not seen" in told
    assert "unroll" not in told
    assert "infinite" not in told
