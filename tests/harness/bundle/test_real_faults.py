"""Faults that are known in public, each as a bundle that shows it with nothing but the runtime's package."""

import getpass
import json
import re
import shutil
import socket
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from harness.environment import environment
from tests.harness.fakes.command import in_this_process
from tests.parts import on_target

FAULTY = Path(__file__).with_name("faulty.py")
NAMES = ("sum_over_axis", "gather_batch", "thin_depthwise", "negative_pool", "affine")
pytestmark = pytest.mark.needs("converter", "litert")


@pytest.fixture(scope="module")
def bundled(tmp_path_factory, shared_cache):
    """Bundle a case; what the command said, and the folder that is in the zip."""
    project = tmp_path_factory.mktemp("faulty")
    shutil.copyfile(FAULTY, project / "faulty.py")
    models = [f'[models.{name}]\nentry = "faulty:{name}"\npath = "."\n' for name in NAMES]
    (project / "harness.toml").write_text("\n".join(models))
    known = {}

    def bundled(case, *options):
        if (case, options) not in known:
            place = project / f"{len(known)}.zip"
            done = in_this_process(project, "bundle", case, "-o", str(place), *options, HARNESS_CACHE=str(shared_cache))
            folder = project / place.stem
            if place.exists():
                zipfile.ZipFile(place).extractall(project)
            known[case, options] = done, folder, place
        return known[case, options]

    return bundled


CASES = [
    on_target("tflite/litert-reference", "sum_over_axis/int8/tflite/litert-reference", "SUM"),
    on_target("tfjs/chromium-wasm", "gather_batch/float32/tfjs/chromium-wasm", "GatherV2"),
    on_target("tfjs/chromium-wasm", "thin_depthwise/float32/tfjs/chromium-wasm", "FusedDepthwiseConv2dNative"),
    on_target("tfjs/chromium-wasm", "negative_pool/float32/tfjs/chromium-wasm", "MaxPool3D"),
]


@pytest.mark.parametrize(("case", "operator"), CASES)
def test_a_known_fault_is_one_operator_whose_script_shows_it(bundled, case, operator):
    done, folder, _ = bundled(case)
    assert done.returncode == 0, done.stderr
    assert f"{operator} by itself gives other values" in done.stdout
    assert "The fault shows: output_0 " in done.stdout
    facts = json.loads((folder / "fault.json").read_text())
    came_out, should_be = (np.load(folder / facts["outputs"][0][key]) for key in ("came_out", "file"))
    assert came_out.shape == should_be.shape
    assert (came_out != should_be).any()
    assert "The fault shows" in (folder / "README.md").read_text()


@pytest.mark.parametrize(("case", "operator"), CASES)
def test_nothing_in_it_tells_where_it_was_made(bundled, case, operator):
    _, folder, place = bundled(case)
    secrets = [str(Path.home()), str(Path.cwd()), str(place.parent), f"/{getpass.getuser()}/"]
    host = re.compile(rf"\b{re.escape(socket.gethostname())}\b".encode())
    for file in [file for file in folder.rglob("*") if file.is_file()]:
        content = file.read_bytes()
        assert [secret for secret in secrets if secret.encode() in content] == [], file.name
        if file.name in ("README.md", "fault.json"):  # a short name is in any base64
            assert not host.search(content)


@pytest.fixture
def script(bundled):
    """Run the script of the sum's bundle as a stranger would: how it ended and what it said."""
    _, folder, _ = bundled("sum_over_axis/int8/tflite/litert-reference")
    python = environment("litert").python()

    def script(*, cwd):
        done = subprocess.run([python, "-I", folder / "repeat.py"], cwd=cwd, env={}, capture_output=True, text=True)
        return done.returncode, done.stdout

    return script, folder, python


def test_the_script_needs_nothing_of_the_harness(script, tmp_path):
    run, _, python = script
    outside = subprocess.run([python, "-I", "-c", "import harness"], cwd=tmp_path, env={}, capture_output=True)
    assert outside.returncode != 0, "it is out of reach"
    status, said = run(cwd=tmp_path)
    assert status == 1
    assert "should be" in said
    assert "came out" in said


def test_the_script_ends_with_0_where_the_fault_is_gone(script, tmp_path):
    run, folder, _ = script
    kept = (folder / "should_be/output_0.npy").read_bytes()
    shutil.copyfile(folder / "came_out/output_0.npy", folder / "should_be/output_0.npy")
    try:
        assert run(cwd=tmp_path) == (0, run(cwd=tmp_path)[1])
        assert "The fault does not show." in run(cwd=tmp_path)[1]
    finally:
        (folder / "should_be/output_0.npy").write_bytes(kept)


def test_a_bundle_is_the_same_bytes_when_it_is_made_again(bundled):
    case = "sum_over_axis/int8/tflite/litert-reference"
    first, second = bundled(case)[2], bundled(case, "--json")[2]
    contents = []
    for place in (first, second):
        with zipfile.ZipFile(place) as archive:
            contents.append({Path(name).name: archive.read(name) for name in archive.namelist()})
    assert contents[0] == contents[1]


@pytest.mark.parametrize("case", [on_target("tfjs/chromium-wasm", "thin_depthwise/float32/tfjs/chromium-wasm")])
def test_random_weights_take_the_place_of_the_real_ones(bundled, case):
    (_, real, _), (done, other, _) = bundled(case), bundled(case, "--without-weights")
    assert done.returncode == 0, done.stderr
    assert (real / "weights.bin").read_bytes() != (other / "weights.bin").read_bytes()
    assert (real / "weights.bin").stat().st_size == (other / "weights.bin").stat().st_size


def test_a_sound_case_has_nothing_to_report(bundled):
    done, _, place = bundled("sum_over_axis/int8/tflite/litert-builtin")
    assert done.returncode == 2
    assert "There is nothing to report of sum_over_axis/int8/tflite/litert-builtin" in done.stderr
    assert done.stderr.count("\n") <= 3
    assert not place.exists()


def test_a_converters_fault_is_a_saved_model_whose_script_converts_it(bundled):
    done, folder, _ = bundled("affine/float32/tflite/litert-xnnpack")
    assert done.returncode == 0, done.stderr
    assert "A SavedModel gives other values in tensorflow 2." in done.stdout
    assert "than in TensorFlow." in done.stdout
    assert (folder / "saved_model/saved_model.pb").is_file()
    assert "TFLiteConverter" in (folder / "repeat.py").read_text()
