"""What is tested is what was named: among several models of a folder, signatures of a file, functions of a module."""

import json
import shutil

import numpy as np
import pytest

from harness import registry
from harness.conversion.golden import read_golden
from harness.conversion.sources.opened import opened
from harness.errors import BadInput, Failed
from harness.variant import READY

WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3) / 8
LITERT = "tflite/litert-builtin"


@pytest.fixture
def several(sources, tmp_path):
    """Forty TensorFlow.js models in one folder: one graph, with the weights of the n-th times n + 1."""
    model = json.loads((sources / "tfjs_graph" / "model.json").read_text())
    (name,) = model["weightsManifest"][0]["paths"]
    weights = np.frombuffer((sources / "tfjs_graph" / name).read_bytes(), np.float32)
    for number in range(40):
        model["weightsManifest"][0]["paths"] = [f"{number}.bin"]
        (tmp_path / f"{number}.json").write_text(json.dumps(model))
        (tmp_path / f"{number}.bin").write_bytes((weights * (number + 1)).tobytes())
    return tmp_path


def test_each_of_forty_models_in_one_folder_is_itself(converter, entry, several):
    entries = [entry(f'path = "{several}/{number}.json"') for number in range(40)]
    assert len({one.source.identity() for one in entries}) == 40
    for number in (0, 1, 39):
        prepared = converter.prepare(entries[number])
        assert set(prepared.facts["opened"]) == {f"{number}.json", f"{number}.bin"}
        golden = read_golden(prepared.golden_path)
        (inputs,), (outputs,) = golden.inputs.values(), golden.outputs.values()
        np.testing.assert_allclose(outputs, (number + 1) * inputs @ WEIGHTS, rtol=1e-4, atol=1e-5)
        artifact = converter.convert(prepared, registry.formats()["tfjs"], READY)
        assert {file.sha256 for file in artifact.files} == set(prepared.facts["opened"].values())


def test_two_saved_models_that_differ_in_an_asset_are_two(converter, entry, sources, tmp_path):
    keys = set()
    for number in (1, 2):
        folder = shutil.copytree(sources / "one_signature", tmp_path / f"{number}" / "net")
        (folder / "assets").mkdir(exist_ok=True)
        (folder / "assets" / "words.txt").write_text(f"{number}")
        prepared = converter.prepare(entry(f'path = "{folder}"'))
        assert "assets/words.txt" in prepared.facts["opened"]
        keys.add(prepared.key)
    assert len(keys) == 2


def test_two_entry_points_of_a_module_are_two(converter, entry):
    prepared = [
        converter.prepare(entry(f'path = "project"\nentry = "zoo_of_mine.models:{function}"'))
        for function in ("function", "concrete")
    ]
    assert prepared[0].key != prepared[1].key
    for one in prepared:
        assert {"zoo_of_mine/models.py", "zoo_of_mine/numbers.py"} <= set(one.facts["opened"])


def test_one_file_under_two_names_is_the_same_model_twice(converter, entry, sources, tmp_path):
    shutil.copyfile(sources / "keras_2.h5", tmp_path / "other.h5")
    one = converter.prepare(entry('path = "keras_2.h5"', "one"))
    other = converter.prepare(entry(f'path = "{tmp_path}/other.h5"', "other"))
    assert [prepared.model for prepared in (one, other)] == ["one", "other"]
    assert [set(prepared.facts["opened"]) for prepared in (one, other)] == [{"keras_2.h5"}, {"other.h5"}]
    assert set(one.facts["opened"].values()) == set(other.facts["opened"].values())
    assert one.golden_digest == other.golden_digest


def test_a_source_that_is_another_when_it_is_opened_is_never_green(entry, sources, tmp_path):
    shutil.copyfile(sources / "keras_2.h5", tmp_path / "net.h5")
    source = entry(f'path = "{tmp_path}/net.h5"').source
    seen = opened(source.request())
    source.check_opened(seen)
    shutil.copyfile(sources / "keras_3.h5", tmp_path / "net.h5")
    with pytest.raises(Failed, match=r"opened net.h5 with SHA-256 \w{12}…, and what was asked for is"):
        source.check_opened(seen)


def ready(converter, prepared):
    form = registry.formats()["tflite"]
    artifact = converter.convert(prepared, form, READY)
    return artifact, converter.reference(prepared, artifact, form).read()


@pytest.mark.parametrize(("signature", "output", "factor"), [("plain", "output_0", 1), ("doubled", "twice", 2)])
def test_the_named_signature_of_a_tflite_file_is_run(converter, entry, litert_python, signature, output, factor):
    prepared = converter.prepare(entry(f'path = "several.tflite"\nsignature = "{signature}"'))
    assert prepared.facts["signature"] == signature
    artifact, reference = ready(converter, prepared)
    golden = read_golden(prepared.golden_path)
    expected = factor * golden.inputs["x"] @ WEIGHTS
    np.testing.assert_allclose(golden.outputs[output], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(reference[output], golden.outputs[output])
    with registry.targets()[LITERT].open(artifact) as session:
        assert set(session.loaded().files) == {artifact.entry}
        actual = session.infer(artifact.stored(golden.inputs))
    np.testing.assert_allclose(actual[output], expected, rtol=1e-5, atol=1e-5)


def test_two_signatures_of_a_file_have_nothing_in_common(converter, entry):
    one, other = (converter.prepare(entry(f'path = "several.tflite"\nsignature = "{name}"')) for name in SIGNATURES)
    assert one.key != other.key
    assert one.golden_digest != other.golden_digest


SIGNATURES = ("doubled", "plain")


def test_a_signature_that_is_not_there_is_refused_with_those_that_are(converter, entry):
    with pytest.raises(BadInput, match="has no signature 'made_up'; its signatures are doubled, plain"):
        converter.prepare(entry('path = "several.tflite"\nsignature = "made_up"'))


def test_of_several_signatures_those_that_were_not_tested_are_known(converter, entry):
    facts = converter.prepare(entry('path = "several.tflite"')).facts
    assert facts["signature"] in SIGNATURES
    assert sorted(facts["signatures"]) == list(SIGNATURES)


def test_runtimes_that_know_no_signatures_refuse_what_they_would_not_run(converter, entry):
    for name in SIGNATURES:
        artifact, _ = ready(converter, converter.prepare(entry(f'path = "several.tflite"\nsignature = "{name}"')))
        (said,) = registry.targets()["tflm/host"].unsupported_operators(artifact) or ("",)
        assert bool(said) == (artifact.subgraph != 0)
        assert not said or f"the signature '{name}' (it is subgraph 1 of the file" in said


@pytest.mark.parametrize("path", ["keras_2.h5", "model.keras", "tfjs_graph"])
def test_a_signature_of_what_has_none_is_a_mistake(entry, path):
    assert "leave `signature` out" in entry(f'path = "{path}"\nsignature = "serving_default"').problem
