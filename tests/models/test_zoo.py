"""The zoo keeps its promises: light to import, deterministic data, committed weights that are what they say."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import pkgutil
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import harness_models
from harness.model import Dataset, Model
from harness_models.committed_weights import FOLDER, CommittedWeights, WeightsError

FILES = [
    name
    for _, name, is_package in pkgutil.iter_modules(harness_models.__path__)
    if not is_package and name != "committed_weights"
]
EXPECTED = {
    "hello_world": ((1, 1),),
    "digits_cnn": ((1, 8, 8, 1),),
    "keyword_dscnn": ((1, 49, 10, 1),),
    "image_resnet8": ((1, 32, 32, 3),),
    "anomaly_autoencoder": ((1, 640),),
    "wakeword_mobilenet": ((1, 96, 96, 3),),
    "digits_lstm": ((1, 8, 8),),
    "attention_block": ((1, 16, 32),),
    "squared": ((1, 16),),
}
COMMITTED_AT_MOST = 4_000_000


def model_of(name: str) -> Model:
    return importlib.import_module(f"harness_models.{name}").MODEL


@cache
def data_of(name: str) -> tuple[Dataset, Dataset]:
    """The samples of evaluation and those of calibration, made once."""
    model = model_of(name)
    return model.evaluation(), model.calibration()


def weights_of(name: str) -> CommittedWeights:
    return importlib.import_module(f"harness_models.{name}").WEIGHTS


WITH_WEIGHTS = [name for name in FILES if model_of(name).weights]


def test_the_zoo_holds_what_was_promised() -> None:
    assert set(EXPECTED) <= set(FILES)


def test_importing_every_model_needs_no_framework_and_makes_no_data() -> None:
    """In a fresh interpreter where every framework is blocked, and NumPy neither draws numbers nor reads files."""
    script = """
import importlib, sys
import numpy
BLOCKED = {"tensorflow", "keras", "tf_keras", "sklearn", "scipy", "jax", "torch"}
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is imported on importing the zoo")
sys.meta_path.insert(0, Blocker())
import harness.model
def refuse(*_, **__):
    raise AssertionError("data or weights are made on importing the zoo")
numpy.random.Generator = numpy.load = refuse
for name in sys.argv[1:]:
    assert importlib.import_module("harness_models." + name).MODEL.name == name
"""
    done = subprocess.run([sys.executable, "-c", script, *FILES], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", FILES)
def test_declaration(name: str) -> None:
    model = model_of(name)
    assert model.name == name
    assert model.summary
    assert "\n" not in model.summary
    assert "data" in model.notes, "a model says where its data comes from"
    for spec in model.inputs:
        assert spec.name.isidentifier(), "an input's name becomes a key of the SavedModel's signature"
        assert spec.shape[0] == 1
        assert all(size > 0 for size in spec.shape)
    if name in EXPECTED:
        assert tuple(spec.shape for spec in model.inputs) == EXPECTED[name]
    if model.task == "classification":
        assert len(model.labels) == len(set(model.labels)) >= 2


@pytest.mark.parametrize("name", FILES)
def test_data_is_shaped_as_declared(name: str) -> None:
    model = model_of(name)
    for dataset, least in zip(data_of(name), (100, 90), strict=True):
        assert least <= len(dataset) <= 256
        assert set(dataset.inputs) == {spec.name for spec in model.inputs}
        for spec in model.inputs:
            tensor = dataset.inputs[spec.name]
            assert tensor.shape == (len(dataset), *spec.shape)
            assert tensor.dtype == spec.dtype
            assert np.isfinite(tensor).all()
    labels = data_of(name)[0].labels
    if model.labels:
        assert labels is not None
        assert labels.shape == (len(data_of(name)[0]),)
        assert set(labels.tolist()) == set(range(len(model.labels))), "every class is evaluated"


@pytest.mark.parametrize("name", FILES)
def test_evaluation_and_calibration_share_no_sample(name: str) -> None:
    evaluation, calibration = map(samples_of, data_of(name))
    assert not evaluation & calibration
    assert len(evaluation) == len(data_of(name)[0]), "no sample counts twice"


HASHES = """
import hashlib, importlib, json, sys
def hashes(name):
    model = importlib.import_module("harness_models." + name).MODEL
    return [
        hashlib.sha256(data.inputs[name].tobytes()).hexdigest()
        for data in (model.evaluation(), model.calibration())
        for name in sorted(data.inputs)
    ]
print(json.dumps({name: hashes(name) for name in sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def elsewhere() -> dict[str, list[str]]:
    """Model to the SHA-256 of each of its inputs in a process that has made no other test's data."""
    command = [sys.executable, "-c", HASHES, *FILES]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.long
def test_data_is_the_same_in_another_process(name: str, elsewhere: dict[str, list[str]]) -> None:
    here = [
        hashlib.sha256(data.inputs[key].tobytes()).hexdigest() for data in data_of(name) for key in sorted(data.inputs)
    ]
    assert elsewhere[name] == here


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_weights_are_those_declared(name: str) -> None:
    weights = weights_of(name)
    assert model_of(name).weights == weights.file == f"{name}.npz"
    assert re.fullmatch("[0-9a-f]{64}", weights.sha256)
    arrays = weights.load()  # checks the hash
    assert arrays
    for array in arrays:
        assert array.dtype == np.float32
        assert np.isfinite(array).all()


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_weights_hold_no_pickle(name: str) -> None:
    with zipfile.ZipFile(weights_of(name).path) as archive:
        for member in archive.namelist():
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                assert version == (1, 0)
                dtype = np.lib.format.read_array_header_1_0(file)[2]
                assert dtype == np.float32, f"{member} is no plain array of numbers"


def test_weights_are_few_and_every_file_has_a_model() -> None:
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < COMMITTED_AT_MOST
    assert {path.name for path in files} == {model_of(name).weights for name in WITH_WEIGHTS}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("harness_models.committed_weights.FOLDER", tmp_path)
    return tmp_path


ARRAYS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.float32(1.5) * np.ones(3, np.float32)]


def test_saved_weights_come_back_in_order(folder: Path) -> None:
    many = [np.full(1, index, np.float32) for index in range(120)]
    digest = CommittedWeights("many.npz", "").save(many)
    loaded = CommittedWeights("many.npz", digest).load()
    assert [float(array[0]) for array in loaded] == list(range(120))


def test_saving_twice_gives_the_same_hash(folder: Path) -> None:
    weights = CommittedWeights("some.npz", "")
    assert weights.save(ARRAYS) == weights.save(ARRAYS)


def test_one_flipped_bit_is_found(folder: Path) -> None:
    weights = CommittedWeights("some.npz", CommittedWeights("some.npz", "").save(ARRAYS))
    content = bytearray(weights.path.read_bytes())
    content[len(content) // 2] ^= 1
    weights.path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"some\.npz has SHA-256"):
        weights.load()


def test_missing_weights_are_named(folder: Path) -> None:
    with pytest.raises(WeightsError, match=r"absent\.npz is missing"):
        CommittedWeights("absent.npz", "0" * 64).load()


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    class Network:
        weights = (np.zeros((2, 3)), np.zeros(4))

    weights = CommittedWeights("some.npz", CommittedWeights("some.npz", "").save(ARRAYS))
    with pytest.raises(WeightsError, match="does not fit"):
        weights.fill(Network())


def samples_of(dataset: Dataset) -> set[bytes]:
    return {
        b"".join(dataset.inputs[key][index].tobytes() for key in sorted(dataset.inputs))
        for index in range(len(dataset))
    }
