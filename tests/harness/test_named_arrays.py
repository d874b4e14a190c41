"""Inputs and outputs of a model are kept in files under their own names, whatever these are."""

import ast
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_numpy

import harness
import harness_targets
from harness.named_arrays import read_arrays, write_arrays

KEYWORDS = ("file", "allow_pickle", "args", "kwds", "arr_0", "self", "x.npy", "x", "in:a/b", "../x", "")
names = st.sampled_from(KEYWORDS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
)
values = of_numpy.arrays(
    st.sampled_from([np.float32, np.float64, np.int8, np.uint8, np.int64, np.bool_, np.complex64]),
    of_numpy.array_shapes(min_dims=0, max_dims=3, max_side=3, min_side=0),
)


@given(st.dictionaries(names, values, max_size=4))
def test_what_is_read_is_what_was_written(tmp_path_factory, arrays):
    path = tmp_path_factory.getbasetemp() / "arrays.npz"
    write_arrays(path, arrays)
    found = read_arrays(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


def test_the_bytes_are_those_of_numpy(tmp_path):
    arrays = {"in:x": np.arange(6, dtype=np.float32).reshape(2, 3), "labels": np.arange(2)}
    write_arrays(tmp_path / "ours.npz", arrays)
    expected = io.BytesIO()
    np.savez(expected, **arrays)
    assert (tmp_path / "ours.npz").read_bytes() == expected.getvalue()
    with np.load(tmp_path / "ours.npz", allow_pickle=False) as read:
        assert read["in:x"].tolist() == arrays["in:x"].tolist()


@pytest.mark.parametrize("arrays", [{"x": np.array([object()])}, {"a\0b": np.zeros(1)}])
def test_what_a_file_cannot_hold_is_refused(tmp_path, arrays):
    with pytest.raises(ValueError, match=r"null character|[Oo]bject"):
        write_arrays(tmp_path / "x.npz", arrays)


def test_nobody_gives_names_to_savez_as_keywords():
    calls = []
    for package in (harness, harness_targets):
        for path in Path(package.__file__).parent.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                name = getattr(getattr(node, "func", None), "attr", "")
                if name.startswith("savez") and any(keyword.arg is None for keyword in node.keywords):
                    calls.append(f"{path}:{node.lineno}")
    assert calls == []
