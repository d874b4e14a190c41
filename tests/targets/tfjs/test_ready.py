"""A ready `model.json`, graph or layers: taken as it is, held against TensorFlow, and refused where it is damaged."""

import json
import shutil

import numpy as np
import pytest

from harness.errors import BadInput
from harness.target import SessionTimeouts
from harness_targets.tfjs.ready import NotTFJS, take_ready

pytestmark = pytest.mark.needs("converter", "tfjs", "chromium")
LIMITS = SessionTimeouts(open_seconds=120, infer_seconds=120)
IN_CHROMIUM = ("wasm", "cpu", "webgl", "wasm-threads", "webgpu")
FIREFOX = pytest.param("firefox-wasm", marks=pytest.mark.needs("firefox"))


@pytest.fixture
def ready(converted, tmp_path):
    """The files of a converted model elsewhere, with nothing of ours in them."""

    def ready(source, variant):
        artifact = converted(source, variant).artifact
        folder = tmp_path / variant
        folder.mkdir()
        for file in artifact.files:
            shutil.copyfile(artifact.directory / file.path, folder / file.path)
        model = json.loads((folder / "model.json").read_text())
        model.pop("userDefinedMetadata")
        (folder / "model.json").write_text(json.dumps(model))
        return folder

    return ready


@pytest.mark.parametrize("backend", [*IN_CHROMIUM, FIREFOX])
def test_a_ready_layers_model_runs_on_every_target(target, converted, ready, backend):
    model = converted(str(ready("images", "layers-float32")))
    assert model.artifact.variant == "ready"
    with target(backend).open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
    for name, expected in model.golden.items():
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("variant", ["float32", "uint8", "layers-uint8"])
def test_a_ready_model_is_its_own_reference(target, converted, ready, variant):
    """Its golden is TensorFlow on its own weights, however they are stored: nothing is known of what it came from."""
    model = converted(str(ready("sequential", variant)))
    with target("wasm").open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
    for name, expected in model.golden.items():
        np.testing.assert_array_equal(model.reference[name], expected)
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-3, atol=1e-4)


def without_numbers(model):
    for side in model["signature"].values():
        for described in side.values():
            described["name"] = described["name"].removesuffix(":0")


def without_types(model):
    for side in model["signature"].values():
        for described in side.values():
            del described["dtype"]
            described.pop("tensorShape")


def in_its_metadata(model):
    model["userDefinedMetadata"] = {"signature": model.pop("signature")}


def without_outputs(model):
    model["signature"]["outputs"] = {}


@pytest.mark.parametrize("loosen", [without_numbers, without_types, in_its_metadata, without_outputs])
def test_what_tensorflow_js_takes_is_taken(converted, ready, loosen):
    folder = ready("sequential", "float32")
    expected = converted(str(folder))
    model = json.loads((folder / "model.json").read_text())
    loosen(model)
    (folder / "model.json").write_text(json.dumps(model))
    found = converted(str(folder))
    for info, other in zip(found.artifact.inputs, expected.artifact.inputs, strict=True):
        assert (info.shape, info.dtype) == (other.shape, other.dtype)
    values, others = sorted(found.golden.items()), sorted(expected.golden.items())
    for (_, value), (_, other) in zip(values, others, strict=True):
        np.testing.assert_array_equal(value, other)


@pytest.mark.parametrize("place", ["./{}", "parts/{}", "./parts/./{}"])
def test_weights_may_lie_below_the_model_and_be_called_so(target, converted, ready, place):
    folder = ready("sequential", "layers-float32")
    model = json.loads((folder / "model.json").read_text())
    for group in model["weightsManifest"]:
        group["paths"] = [place.format(name) for name in group["paths"]]
    (folder / "parts").mkdir()
    for shard in folder.glob("*.bin"):
        shutil.copyfile(shard, folder / "parts" / shard.name)
        if "parts" in place:
            shard.unlink()
    (folder / "model.json").write_text(json.dumps(model))
    found = converted(str(folder))
    with target("wasm").open(found.artifact, LIMITS) as session:
        outputs = session.infer(found.samples)
    for name, expected in found.golden.items():
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["../weights.bin", "/etc/passwd", "a/../../weights.bin", ""])
def test_weights_outside_the_folder_are_refused(tmp_path, name):
    manifest = [{"paths": [name], "weights": []}]
    (tmp_path / "model.json").write_text(json.dumps({"modelTopology": {"node": []}, "weightsManifest": manifest}))
    with pytest.raises(NotTFJS, match="outside its folder"):
        take_ready(tmp_path / "model.json", tmp_path / "out")


def cut(folder):
    shard = next(folder.glob("*.bin"))
    shard.write_bytes(shard.read_bytes()[:-3])


def lose(folder):
    next(folder.glob("*.bin")).unlink()


def write(text):
    return lambda folder: (folder / "model.json").write_text(text)


def forget(folder):
    model = json.loads((folder / "model.json").read_text())
    model["weightsManifest"][0]["weights"].pop()
    shard = next(folder.glob("*.bin"))
    shard.write_bytes(
        shard.read_bytes()[: sum(4 * np.prod(w["shape"]) for w in model["weightsManifest"][0]["weights"])]
    )
    (folder / "model.json").write_text(json.dumps(model))


@pytest.mark.parametrize("variant", ["float32", "layers-float32"])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, r"hold \d+ bytes, the weights take \d+"),
        (lose, r"its weight file \S+ is missing beside it"),
        (write(""), "cannot be read as JSON"),
        (write("rubbish"), "cannot be read as JSON"),
        (write("[]"), "it is no TensorFlow.js model"),
        (write('{"format": "graph-model"}'), "it is no TensorFlow.js model"),
        (write('{"modelTopology": {}, "weightsManifest": []}'), "neither a graph model nor a layers model"),
        (forget, "has no weight|no weight for the constant"),
    ],
    ids=["cut", "lost", "empty", "rubbish", "list", "nothing", "neither", "forgotten"],
)
def test_a_damaged_model_is_one_sentence(ready, converter, entry, variant, damage, words):
    folder = ready("sequential", variant)
    damage(folder)
    with pytest.raises(BadInput, match=words) as caught:
        converter.prepare(entry(str(folder)))
    assert "\n" not in str(caught.value)
    assert str(folder / "model.json") in str(caught.value)


def test_a_file_that_cannot_be_read_is_told_by_its_name_and_why(tmp_path):
    (tmp_path / "model.json").mkdir()
    with pytest.raises(NotTFJS) as caught:
        take_ready(tmp_path / "model.json", tmp_path)
    assert str(caught.value) == "model.json cannot be read (Is a directory)"


def test_an_error_without_words_is_told_by_its_kind(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RecursionError

    (tmp_path / "model.json").write_text("{}")
    monkeypatch.setattr(json, "loads", fails)
    with pytest.raises(NotTFJS, match=r"\(RecursionError\)$"):
        take_ready(tmp_path / "model.json", tmp_path)
