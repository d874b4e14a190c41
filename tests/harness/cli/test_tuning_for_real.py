"""A gate that int8 does not pass: what is found passes, is smaller than float32, and becomes a variant too."""

import json
import tomllib

import pytest

from tests.harness.fakes.command import in_this_process

pytestmark = pytest.mark.needs("converter", "litert", "tflite-micro")

TARGETS = ("--target", "tflite/litert-xnnpack", "--target", "tflm/host")
TOO_STRICT = """
[[parity]]
edge = "conversion"
metric = "sqnr_db"
limit = 48
variant = "*"
source = "Too strict on purpose: int8 has 46 dB"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory, shared_cache):
    folder = tmp_path_factory.mktemp("strict")
    (folder / "gates.toml").write_text(TOO_STRICT)
    (folder / "harness.toml").write_text("# mine\n")
    return folder, str(shared_cache)


@pytest.fixture(scope="module")
def tuned(project):
    folder, cache = project
    recipes = ("--variant", "int8-float-io", "--variant", "float16", "--variant", "float32")
    return in_this_process(
        folder, "tune", "digits_cnn", *TARGETS, *recipes, "--write", "tight", "--json", HARNESS_CACHE=cache
    )


def test_it_passes_where_int8_fails_and_is_smaller_than_float32(tuned):
    assert tuned.returncode == 0, tuned.stderr
    document = json.loads(tuned.stdout)
    tried = {one["name"]: one for one in document["tried"]}
    assert tried["int8-float-io"]["verdict"] == "failed"
    assert "sqnr_db" in tried["int8-float-io"]["reason"]
    assert tried["float16"]["verdict"] == "refused", "Micro does not unpack float16"
    best = tried[document["recommended"]]
    assert best["verdict"] == "passed"
    assert best["options"]["excluded_nodes"]
    assert best["figure"] < tried["float32"]["figure"] / 2


def test_what_was_written_is_a_variant_of_this_model_that_passed_under_its_name(tuned, project):
    text = (project[0] / "harness.toml").read_text()
    assert text.startswith("# mine\n")
    assert tomllib.loads(text)["variants"]["tight"]["models"] == ["digits_cnn"]
    assert json.loads(tuned.stdout)["written"].startswith("Written: [variants.tight]")
