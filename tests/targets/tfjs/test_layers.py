"""Keras models to layers models: what comes out computes the same, and what cannot be held is refused by name."""

import json
import re

import numpy as np
import pytest

from harness.errors import Unsupported
from harness_targets.tfjs.format import FORMAT

HELD = (
    "two_by_two",
    "images",
    "sequences",
    "signals",
    "volumes",
    "merged",
    "nested",
    "sequential",
    "words",
    "decorated",
    "keras_2",
)
REFUSED = {
    "sloped": "the layer 'sloped' has negative_slope = 0.2, which TensorFlow.js does not heed",
    "hard": r"the layer 'hard' has the activation hard_sigmoid: Keras 3 has made it relu6\(x \+ 3\) / 6",
    "kept_dimensions": "'flatten'|the layer 'kept' has keepdims = true",
    "grouped": "the layer 'grouped' has groups = 2, which TensorFlow.js has not",
    "reset_after": "the layer 'reset' has reset_after = true, which TensorFlow.js has not",
    "attention": "the layer 'attention' is a MultiHeadAttention, which TensorFlow.js has not as a layer",
    "elu": r"does not take the layer 'elu' \(Non-default alpha value \(0.5\)",
    "causal": r"does not take the layer 'causal' \(The support for CAUSAL padding",
    "operation": "the layer 'add' is called with 2 arguments",
    "half": "the layer 'half' computes in mixed_float16, and TensorFlow.js in float32",
    "blurred": r"the layer 'blurred' \(UpSampling2D\) computes something else in TensorFlow.js than in Keras",
    "normalised": r"the layer 'normalised' \(BatchNormalization\) computes something else in TensorFlow.js than",
    "difference": "the layer 'difference' is a Subtract, which TensorFlow.js has not as a layer",
}


@pytest.mark.parametrize("source", HELD)
def test_a_layers_model_computes_what_keras_computes(converted, source):
    model = converted(source)
    assert model.reference.keys() == model.golden.keys()
    for name, expected in model.golden.items():
        np.testing.assert_allclose(model.reference[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("source", REFUSED)
def test_what_a_layers_model_cannot_hold_is_refused_by_the_name_of_its_layer(converted, source):
    with pytest.raises(Unsupported, match="no layers model: ") as caught:
        converted(source)
    assert "\n" not in str(caught.value)
    assert re.search(REFUSED[source], str(caught.value)), str(caught.value)


def test_a_source_without_keras_has_no_layers_model(converted):
    with pytest.raises(Unsupported, match="a layers model is made from a Keras model"):
        converted("lgamma")


def test_names_are_those_of_the_source_whatever_the_order(converted):
    artifact = converted("two_by_two").artifact
    assert [info.name for info in artifact.inputs] == ["zulu", "alpha"]
    assert [(info.name, info.tensor) for info in artifact.outputs] == [("later", "0"), ("early", "1")]
    assert artifact.operators == {"Add": 1, "Concatenate": 1, "Dense": 2, "LeakyReLU": 1}


def test_what_only_training_needs_is_left_out_and_said(converted):
    artifact = converted("decorated").artifact
    assert [note.split(":")[0] for note in artifact.notes] == [
        "kernel_regularizer OrthogonalRegularizer of 'decorated'",
        "kernel_constraint NonNeg of 'decorated'",
    ]
    assert all("left out, for inference does not need it" in note for note in artifact.notes)
    described = json.loads(artifact.path.read_bytes())
    layers = described["modelTopology"]["model_config"]["config"]["layers"]
    settings = next(layer["config"] for layer in layers if layer["class_name"] == "Dense")
    assert settings["kernel_regularizer"] is None
    assert settings["kernel_constraint"] is None  # TensorFlow.js would clip the weights as it loads them
    # What TensorFlow.js knows by another name is kept, for whoever goes on training.
    assert settings["bias_regularizer"] == {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.01}}
    assert described["userDefinedMetadata"]["harness"]["notes"] == list(artifact.notes)


@pytest.mark.parametrize("name", ["image_classification/pretrainedResnet.h5", "anomaly_detection/ad01.h5"])
def test_real_models_become_layers_models(converted, shared_models, name):
    model = converted(str(shared_models / name))
    (expected,), (found,) = model.golden.values(), model.reference.values()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("variant", "bits"), [("layers-float16", 16), ("layers-uint16", 16), ("layers-uint8", 8)])
def test_weights_are_stored_as_the_variant_says(converted, variant, bits):
    whole, stored = converted("images").artifact, converted("images", variant)
    (group,) = json.loads(stored.artifact.path.read_bytes())["weightsManifest"]
    assert {weight["quantization"]["dtype"] for weight in group["weights"]} == {variant.removeprefix("layers-")}
    sizes = [sum(file.bytes for file in one.files if file.path.endswith(".bin")) for one in (whole, stored.artifact)]
    assert sizes[1] == sizes[0] * bits // 32
    for name, expected in stored.golden.items():
        np.testing.assert_allclose(stored.reference[name], expected, atol=0.05)


def test_shards_are_of_the_size_asked_for(converted):
    artifact = converted("sequences", shard_bytes=1024).artifact
    shards = [file.bytes for file in artifact.files if file.path.endswith(".bin")]
    assert all(size <= 1024 for size in shards)
    assert FORMAT.variant("layers-float32").options["shard_bytes"] == 4 * 1024 * 1024
