"""Every way down: variants, op sets, overrides, metadata, layers models, converters of their own."""

import json

import numpy as np
import pytest

from harness import registry
from harness.conversion.golden import read_golden
from harness.errors import HarnessError, Unsupported
from harness.project import model_entries
from harness.remedies.explain import find_remedy

FORMATS = registry.formats()


@pytest.fixture
def convert(converter, entry):
    """Convert one variant of what a `[models.it]` table says."""

    def convert(toml, form, variant):
        found = entry(toml)
        (chosen,) = [v for v in found.variants(FORMATS[form]) if v.name == variant]
        return converter.convert(converter.prepare(found), FORMATS[form], chosen)

    return convert


@pytest.mark.parametrize(
    ("variant", "dtype"),
    [
        ("float32", "float32"),
        ("float16", "float32"),
        ("dynamic", "float32"),
        ("int8", "int8"),
        ("int8-float-io", "float32"),
        ("uint8", "uint8"),
        ("int16x8", "float32"),
        ("select-tf", "float32"),
        ("custom", "float32"),
    ],
)
def test_every_tflite_variant_has_its_own_interface(convert, variant, dtype):
    artifact = convert('path = "keras_2.h5"', "tflite", variant)
    assert [info.dtype for info in (*artifact.inputs, *artifact.outputs)] == [dtype, dtype]
    assert artifact.inputs[0].shape == (1, 4)


@pytest.mark.parametrize("form", ["tflite", "tfjs"])
def test_outputs_that_are_an_input_or_a_constant_keep_their_names_and_values(convert, converter, entry, form):
    toml = 'path = "project"\nentry = "zoo_of_mine.models:echo"'
    artifact, prepared = convert(toml, form, "float32"), converter.prepare(entry(toml))
    golden, reference = read_golden(prepared.golden_path), converter.reference(prepared, artifact, FORMATS[form]).read()
    assert [info.name for info in artifact.inputs] == ["x"]
    assert reference.keys() == golden.outputs.keys() == {"again", "constant", "same", "sum"}
    for name, expected in golden.outputs.items():
        np.testing.assert_allclose(reference[name], expected, rtol=1e-6)


STRICT = '[models.it.convert."*int8*"]\ninteger_only = true'
SINE = """
def sine():
    import tensorflow as tf

    weights = tf.random.stateless_normal((4, 3), (1, 2))
    return tf.function(lambda x: tf.sin(x @ weights), input_signature=[tf.TensorSpec((1, 4), name="x")])


def unrolled():
    import keras

    layers = [keras.Input((5, 4)), keras.layers.GRU(4, unroll=True), keras.layers.Dense(3)]
    return keras.Sequential(layers)


def tokens():
    import keras

    x = keras.Input((4,), dtype="int32", name="tokens")
    return keras.Model(x, keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.Embedding(10, 4)(x))))
"""


@pytest.mark.parametrize("variant", ["int8", "int8-float-io", "uint8"])
def test_an_operator_without_an_int8_form_is_left_in_float_and_refused_by_name_where_integers_alone_are_asked_for(
    convert, sources, variant
):
    (sources / "sine.py").write_text(SINE)
    artifact = convert('entry = "sine:sine"', "tflite", variant)
    assert artifact.operators["SIN"] == artifact.operators["FULLY_CONNECTED"] == 1
    with pytest.raises(Unsupported, match="the int8 quantiser left SIN in float") as caught:
        convert(f'entry = "sine:sine"\n{STRICT}', "tflite", variant)
    assert find_remedy(str(caught.value)).remedy.name == "operator not quantisable"


@pytest.mark.parametrize("variant", ["int8", "int8-float-io"])
def test_a_recurrent_layer_that_is_unrolled_is_int8_throughout(convert, sources, variant):
    (sources / "sine.py").write_text(SINE)
    artifact = convert(f'entry = "sine:unrolled"\n{STRICT}', "tflite", variant)
    assert "WHILE" not in artifact.operators  # what is split in float there is a constant


@pytest.mark.parametrize("variant", ["float32", "float16", "dynamic", "int8", "int8-float-io", "uint8"])
def test_a_model_that_looks_its_inputs_up_in_a_table(convert, sources, variant):
    (sources / "sine.py").write_text(SINE)
    artifact = convert('entry = "sine:tokens"', "tflite", variant)
    assert artifact.inputs[0].dtype == "int32"
    assert artifact.operators["GATHER"] == 1


def test_a_jax_function_goes_to_the_web(convert):
    inputs = "\n[models.it.inputs]\nx = { shape = [1, 4] }"
    assert convert(f'path = "project"\nentry = "zoo_of_mine.models:by_jax"{inputs}', "tfjs", "float32").operators


@pytest.mark.parametrize("weights", ["float32", "float16", "uint16", "uint8"])
def test_tfjs_weights_are_stored_as_the_variant_says(convert, weights):
    artifact = convert('path = "keras_2.h5"', "tfjs", weights)
    (group,) = json.loads(artifact.path.read_text())["weightsManifest"]
    stored = {
        weight.get("quantization", weight)["dtype"] for weight in group["weights"] if weight["dtype"] == "float32"
    }
    assert stored == {weights}


def test_the_size_of_tfjs_shards_is_a_choice(convert):
    toml = (
        'path = "project"\nentry = "zoo_of_mine.models:keras_model"\n[models.it.convert."float32"]\nshard_bytes = 1024'
    )
    artifact = convert(toml, "tfjs", "float32")
    assert all(file.bytes <= 1024 for file in artifact.files if file.path.endswith(".bin"))


def test_an_operator_that_is_left_in_float_is(convert):
    whole = convert('path = "keras_2.h5"', "tflite", "int8-float-io")
    part = '[models.it.convert."int8*"]\nexcluded_operators = ["DEPTHWISE_CONV_2D"]'
    partial = convert(f'path = "keras_2.h5"\n{part}', "tflite", "int8-float-io")
    assert partial.operators.get("DEQUANTIZE", 0) > whole.operators.get("DEQUANTIZE", 0)


@pytest.mark.parametrize("variant", ["int8", "uint8"])
def test_with_operators_in_float_integers_keep_their_interface(convert, variant):
    part = '[models.it.convert."*int8*"]\nexcluded_operators = ["DEPTHWISE_CONV_2D"]'
    partial = convert(f'path = "keras_2.h5"\n{part}', "tflite", variant)
    assert {info.dtype for info in (*partial.inputs, *partial.outputs)} == {variant}
    assert partial.operators["DEQUANTIZE"] > 0


def test_where_tensorflow_would_write_another_scheme_with_operators_in_float_it_is_refused(convert):
    part = '[models.it.convert."int16x8"]\nexcluded_operators = ["DEPTHWISE_CONV_2D"]'
    with pytest.raises(Unsupported, match="make int8 of int16x8"):
        convert(f'path = "keras_2.h5"\n{part}', "tflite", "int16x8")


def test_per_tensor_quantisation_and_the_calibration_size_change_the_artifact(convert):
    digests = {
        convert(f'path = "keras_2.h5"\n[models.it.convert."int8"]\n{choice}', "tflite", "int8").digest
        for choice in ("per_tensor = false", "per_tensor = true", "calibration_samples = 2")
    }
    assert len(digests) == 3


def test_metadata_is_embedded_and_read_back(convert, sources):
    (sources / "labels.txt").write_text("cat\ndog\nhen\n")
    metadata = 'name = "pets"\nauthor = "us"\nversion = "3"\ndescription = "d"\nmean = [127.5]\nstd = [128.0]'
    toml = f'path = "keras_2.h5"\n[models.it.metadata]\n{metadata}\nlabels = "labels.txt"'
    artifact = convert(toml, "tflite", "int8")
    found = FORMATS["tflite"].examine(artifact, {}).metadata
    assert found["name"] == "pets"
    assert found["mean"] == [127.5]
    assert found["std"] == [128.0]
    assert found["labels"] == ["cat", "dog", "hen"]
    assert {key: found[key] for key in ("author", "version", "description", "labels_file")} == {
        "author": "us",
        "version": "3",
        "description": "d",
        "labels_file": "labels.txt",
    }


def test_a_keras_2_model_becomes_a_layers_model_that_loads(convert, converter, entry):
    artifact = convert('path = "keras_2.h5"', "tfjs", "layers-float32")
    assert artifact.operators == {"Dense": 1, "DepthwiseConv2D": 1, "Flatten": 1, "Reshape": 1}
    prepared = converter.prepare(entry('path = "keras_2.h5"'))
    outputs = converter.reference(prepared, artifact, FORMATS["tfjs"]).read()["output_0"]
    with np.load(prepared.golden_path) as golden:
        np.testing.assert_allclose(outputs, golden["out:output_0"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("source", ["keras_3.h5", "model.keras", "sequential.keras"])
def test_a_keras_3_model_becomes_a_layers_model_too(convert, converter, entry, source):
    artifact = convert(f'path = "{source}"', "tfjs", "layers-float32")
    assert artifact.operators == {"Dense": 1}
    prepared = converter.prepare(entry(f'path = "{source}"'))
    outputs = converter.reference(prepared, artifact, FORMATS["tfjs"]).read()["output_0"]
    with np.load(prepared.golden_path) as golden:
        np.testing.assert_allclose(outputs, golden["out:output_0"], rtol=1e-5, atol=1e-6)


def test_a_layers_model_of_something_else_than_keras_is_refused(convert):
    with pytest.raises(Unsupported, match="a layers model is made from a Keras model"):
        convert('path = "one_signature"', "tfjs", "layers-float32")


@pytest.mark.needs("tensorflow-2.21")
def test_a_variant_of_the_projects_own_is_converted_by_a_converter_of_its_own(sources, converter):
    text = '[models.it]\npath = "keras_2.h5"\n[variants.newer]\nbase = "int8"\nconverter = ["tensorflow==2.21.0"]\n'
    (sources / "harness.toml").write_text(text)
    found = model_entries(sources)["it"]
    newer = found.variants(FORMATS["tflite"])[-1]
    assert (newer.name, newer.base) == ("newer", "int8")
    artifact = converter.convert(converter.prepare(found), FORMATS["tflite"], newer)
    assert artifact.converter == {"tensorflow": "2.21.0"}
    assert artifact.inputs[0].dtype == "int8"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[variants.x]\nbase = "nonsense"', "variants.x: tflite has no variant 'nonsense'; it has float32"),
        ('[variants.int8]\nbase = "float32"', "has the name of one of tflite's own variants"),
        (
            '[variants.x]\nbase = "int8"\ngranularity = "tensor"',
            "sets `granularity`, which int8 does not know; leave it out",
        ),
        ('[variants.x]\nformat = "onnx"', "there is no format 'onnx'"),
        ("[variants.x]\nnonsense = 1", "the key 'variants.x.nonsense' is not known; known here are operators"),
        ('[models.x]\nsummary = "s"', "names neither a `path` nor an `entry`"),
        (
            '[models.x]\npath = "a"\n[models.x.convert."int8"]\nbits = 4',
            "the key 'models.x.convert.int8.bits' is not known",
        ),
        ('[models.x]\npath = "a"\n[models.x.metadata]\nmean = [1.0]', ""),
    ],
)
def test_a_choice_that_makes_no_sense_is_one_sentence(tmp_path, text, sentence):
    (tmp_path / "harness.toml").write_text(text)
    if not sentence:
        assert (
            "different lengths" in model_entries(tmp_path)["x"].problem
            or "exist" in model_entries(tmp_path)["x"].problem
        )
        return
    with pytest.raises(HarnessError) as caught:
        model_entries(tmp_path)
    assert sentence in str(caught.value)
