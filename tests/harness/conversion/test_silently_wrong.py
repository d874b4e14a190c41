"""A Keras 3 model saved by `tf.saved_model.save`: converters leave its variables out with no error, and TensorFlow 2.21
then computes with what lies in memory. Through the harness the same converter gives right numbers (the model is saved
again first), and a file that was made without the harness is reported as failed.
"""

import subprocess

import numpy as np
import pytest

from harness import registry
from harness.conversion.golden import read_golden
from harness.errors import Failed
from harness.project import model_entries
from tests.parts import newer_converter

MAKE = """
import os, pathlib, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np, tensorflow as tf
folder = pathlib.Path(sys.argv[1])
keras.utils.set_random_seed(7)
x = keras.Input((8,), name="x")
model = keras.Model(x, keras.layers.Dense(3)(keras.layers.Dense(16, activation="relu")(x)))
inputs = np.random.default_rng(1).normal(size=(32, 8)).astype("float32")
np.savez(folder / "data.npz", x=inputs)
np.save(folder / "outputs.npy", model(inputs).numpy())
tf.saved_model.save(model, str(folder / "saved"))
converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved"))
(folder / "direct.tflite").write_bytes(converter.convert())
"""
TOML = '[models.it]\npath = "saved"\ndata = "data.npz"\n[variants.newer]\nconverter = ["tensorflow==2.21.0"]\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The SavedModel and what it computes."""
    folder = tmp_path_factory.mktemp("by_2_21")
    subprocess.run([newer_converter().python(), "-c", MAKE, str(folder)], check=True, capture_output=True)
    (folder / "harness.toml").write_text(TOML)
    return folder


def newer_of(folder):
    entry = model_entries(folder)["it"]
    form = registry.formats()["tflite"]
    return entry, form, next(variant for variant in entry.variants(form) if variant.name == "newer")


@pytest.mark.needs("tensorflow-2.21")
def test_through_the_harness_the_same_converter_gives_right_numbers(made, converter):
    entry, form, variant = newer_of(made)
    prepared = converter.prepare(entry)
    golden = read_golden(prepared.golden_path)
    (outputs,) = golden.outputs.values()
    np.testing.assert_allclose(outputs[:, 0], np.load(made / "outputs.npy"), rtol=1e-5, atol=1e-6)
    artifact = converter.convert(prepared, form, variant)
    assert artifact.converter == {"tensorflow": "2.21.0"}
    (reference,) = converter.reference(prepared, artifact, form).read().values()
    np.testing.assert_allclose(reference, outputs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("version", ["2.19", pytest.param("2.21", marks=pytest.mark.needs("tensorflow-2.21"))])
def test_a_file_whose_variables_were_left_out_is_failed(version, converter, converter_python, tmp_path, request):
    if version == "2.21":
        folder = request.getfixturevalue("made")
    else:
        folder = tmp_path
        subprocess.run([converter_python, "-c", MAKE, str(folder)], check=True, capture_output=True)
    (folder / "harness.toml").write_text('[models.it]\npath = "direct.tflite"\ndata = "data.npz"\n')
    with pytest.raises(Failed, match=r"4 variables that it reads \(READ_VARIABLE\) and never assigns.*model\.export"):
        converter.prepare(model_entries(folder)["it"])
