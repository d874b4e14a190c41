"""A recipe becomes a table at the end of harness.toml; what a person wrote before it stays as it is."""

import tomllib

import pytest

from harness import registry
from harness.errors import HarnessError
from harness.project import model_entries, read_project
from harness.tune.variant_writer import check_name, table_of, write_variant
from harness.variant import Format, Variant

FORM = Format("fake", (Variant("int8", "smaller", {"scheme": "int8", "io": "int8"}),), converter=None)
FOUND = Variant(
    "int8.float2-1a2b3c",
    "int8, 2 operators in float",
    {"scheme": "int8", "io": "int8", "excluded_nodes": ['a/"b"', "ü;c"], "metadata": {"name": "x"}},
    base="int8",
)
BEFORE = '# mine\n[models.kws]  # the one\npath = "kws.tflite"'


def written(root, name="tuned"):
    return write_variant(root, name, table_of(FOUND, FORM, "kws", "by `harness tune kws`"))


def test_the_table_says_what_differs_and_for_which_model(tmp_path):
    document = tomllib.loads(written(tmp_path).read_text())
    assert document["variants"]["tuned"] == {
        "format": "fake",
        "base": "int8",
        "models": ["kws"],
        "summary": "by `harness tune kws`",
        "excluded_nodes": ['a/"b"', "ü;c"],
    }


def test_it_is_put_behind_what_is_there_of_which_no_byte_changes(tmp_path):
    (tmp_path / "harness.toml").write_text(BEFORE)
    text = written(tmp_path, "a.b").read_text()
    assert text.startswith(BEFORE)
    assert set(read_project(tmp_path).variants) == {"a.b"}
    written(tmp_path, "second")
    assert set(read_project(tmp_path).variants) == {"a.b", "second"}


def test_a_file_that_takes_no_table_at_its_end_is_left_as_it_is_and_the_table_is_told(tmp_path):
    before = "variants = {}\n"
    (tmp_path / "harness.toml").write_text(before)
    with pytest.raises(HarnessError, match=r"takes no \[variants.tuned\].*excluded_nodes"):
        written(tmp_path)
    assert (tmp_path / "harness.toml").read_text() == before


@pytest.mark.parametrize(
    ("name", "said"),
    [("int8", "has a variant 'int8' of its own"), ("a b", "is no name"), ("old", r"has a \[variants.old\] already")],
)
def test_a_name_that_is_taken_or_none_is_refused_before_the_search(tmp_path, name, said):
    (tmp_path / "harness.toml").write_text("[variants.old]\nbase = 'int8'\n")
    with pytest.raises(HarnessError, match=said):
        check_name(tmp_path, name, FORM)


def test_a_variant_for_some_models_is_none_of_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "formats", lambda: {"fake": FORM})
    for name in ("kws", "other"):
        (tmp_path / f"{name}.tflite").write_bytes(b"")
    (tmp_path / "harness.toml").write_text(
        '[models.kws]\npath = "kws.tflite"\n[models.other]\npath = "other.tflite"\n'
        '[variants.everywhere]\nformat = "fake"\nbase = "int8"\n'
    )
    written(tmp_path)
    entries = model_entries(tmp_path)
    own = {model: [variant.name for _, variant in entries[model].own_variants] for model in ("kws", "other")}
    assert own == {"kws": ["everywhere", "tuned"], "other": ["everywhere"]}
