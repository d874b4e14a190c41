"""The example target: another distribution, installed beside the harness, is found and passes a run."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.harness.fakes.command import in_process
from tests.parts import REPOSITORY

pytestmark = pytest.mark.long
EXAMPLE = REPOSITORY / "examples" / "dense_numpy"


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """The folder that the example was installed into, which `PYTHONPATH` puts beside what is installed here."""
    folder = tmp_path_factory.mktemp("beside")
    source = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / "dense_numpy")  # a build leaves files there
    options = ["--no-deps", "--no-build-isolation", "--target", str(folder), "--python", sys.executable]
    subprocess.run([sys.executable, "-m", "uv", "pip", "install", *options, str(source)], check=True)
    return folder


def test_the_example_is_no_part_of_the_harness(tmp_path):
    assert "numpy/dense" not in in_process(tmp_path, "targets").stdout


def test_a_target_of_another_distribution_is_listed(beside, tmp_path):
    listed = json.loads(in_process(tmp_path, "targets", "--json", PYTHONPATH=str(beside)).stdout)
    (row,) = [row for row in listed if row["name"] == "numpy/dense"]
    assert row["format"] == "tflite"


@pytest.mark.needs("converter")
def test_it_passes_a_run_and_refuses_what_it_does_not_have(beside, tmp_path, shared_cache):
    arguments = ("run", "--parity-only", "--json", "--model", "hello_world", "--model", "squared")
    variables = {"PYTHONPATH": str(beside), "HARNESS_CACHE": str(shared_cache)}
    done = in_process(tmp_path, *arguments, "--target", "numpy/dense", "--variant", "float32", **variables)
    record = json.loads(next((tmp_path / "results" / "runs").glob("*.json")).read_text().partition("\n")[0])
    found = {case["model"]: case for case in record["cases"]}
    assert (done.returncode, found["hello_world"]["outcome"]) == (0, "passed"), done.stderr
    assert found["hello_world"]["parity"]["runtime"][0]["sqnr_db"] > 100
    assert found["squared"]["outcome"] == "unsupported"
    assert "FULLY_CONNECTED alone" in found["squared"]["reason"]
