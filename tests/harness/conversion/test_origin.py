"""Where a source is, as a record keeps it: relative to the project, and enough to find it again."""

from dataclasses import replace

import pytest

from harness.conversion.origin import origin_of, source_of, source_paths
from harness.conversion.source import Source
from harness.model import TensorSpec


@pytest.fixture
def source(tmp_path):
    (tmp_path / "models" / "net").mkdir(parents=True)
    (tmp_path / "models" / "net" / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "inputs.npz").write_bytes(b"data")
    (tmp_path / "weights.bin").write_bytes(b"weights")
    return Source(
        "saved_model",
        tmp_path / "models" / "net",
        data=tmp_path / "inputs.npz",
        signature="serving_default",
        inputs=(TensorSpec("x", (1, 4), "float32"),),
        files=(tmp_path / "weights.bin",),
    )


def test_it_comes_back_as_it_was(source, tmp_path):
    origin = origin_of(source, tmp_path)
    again = source_of(type(origin).model_validate_json(origin.model_dump_json()), tmp_path)
    assert again == source
    assert again.identity() == origin.identity


def test_no_path_of_this_machine_is_kept(source, tmp_path):
    text = origin_of(source, tmp_path).model_dump_json()
    assert str(tmp_path) not in text
    assert '"path":"models/net"' in text


def test_every_place_that_decides_is_named(source, tmp_path):
    assert source_paths(origin_of(source, tmp_path)) == ("models/net", "inputs.npz", "weights.bin")


def test_what_lies_beside_belongs_to_it(source, tmp_path):
    browser = Source("tfjs", tmp_path / "models" / "net" / "saved_model.pb")
    assert source_paths(origin_of(browser, tmp_path)) == ("models/net",)


def test_a_source_elsewhere_has_no_place_in_the_project(source, tmp_path):
    assert origin_of(source, tmp_path / "models") is None
    assert origin_of(replace(source, path=tmp_path / "gone"), tmp_path) is None
