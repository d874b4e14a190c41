"""A model with a custom operator runs where its library is named, and is unsupported elsewhere."""

import shutil
import subprocess

import numpy as np
import pytest

from harness import registry
from harness.errors import Unsupported

LIBRARY = """
// A kernel that does nothing, registered through the C++ interface that TensorFlow's own library exports.
struct Registration {
  void* init; void* free; int (*prepare)(void*, void*); int (*invoke)(void*, void*); void* rest[16];
};
struct TfLiteRegistration;
namespace tflite {
class MutableOpResolver { public: void AddCustom(const char*, const TfLiteRegistration*, int); };
}
static int nothing(void*, void*) { return 0; }
extern "C" void RegisterErfinv(tflite::MutableOpResolver* resolver) {
  static Registration registration = {nullptr, nullptr, nothing, nothing, {}};
  resolver->AddCustom("Erfinv", reinterpret_cast<const TfLiteRegistration*>(&registration), 1);
}
"""
MODEL = """
def inverse_error_function():
    import tensorflow as tf

    return tf.function(lambda x: tf.math.erfinv(x), input_signature=[tf.TensorSpec((1, 3), name="x")])
"""


@pytest.fixture(scope="module")
def library(sources, converter_python):
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("a C++ compiler (g++), which builds the library of custom operators")
    program = "import importlib.util; print(importlib.util.find_spec('tensorflow').submodule_search_locations[0])"
    tensorflow = subprocess.run(
        [converter_python, "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()
    (sources / "erfinv.cc").write_text(LIBRARY)
    (sources / "custom.py").write_text(MODEL)
    flags = ["-shared", "-fPIC", f"-L{tensorflow}", "-l:libtensorflow_cc.so.2", f"-Wl,-rpath,{tensorflow}"]
    made = sources / "liberfinv.so"
    subprocess.run([compiler, sources / "erfinv.cc", "-o", made, *flags], check=True, capture_output=True)
    return made


def converted(converter, entry, toml):
    found = entry(toml)
    prepared = converter.prepare(found)
    form = registry.formats()["tflite"]
    return prepared, form, converter.convert(prepared, form, form.variant("custom"))


NAMED = '\n[models.it.custom_operators]\nlibrary = "liberfinv.so"\nregisterer = "RegisterErfinv"'
MODEL_TOML = 'entry = "custom:inverse_error_function"'


def test_with_the_library_the_reference_and_the_target_run_it(converter, entry, library):
    prepared, form, artifact = converted(converter, entry, MODEL_TOML + NAMED)
    assert artifact.operators == {"Erfinv": 1}
    assert artifact.custom_operators.registerer == "RegisterErfinv"
    assert converter.reference(prepared, artifact, form).read()["output_0"].shape[1:] == (1, 3)
    with registry.targets()["tflite/tensorflow"].open(artifact) as session:
        assert session.infer({"x": np.zeros((2, 1, 3), np.float32)})["output_0"].shape == (2, 1, 3)


def test_without_it_the_operator_is_unsupported_and_named(converter, entry, library):
    prepared, form, artifact = converted(converter, entry, MODEL_TOML)
    with pytest.raises(Unsupported, match="Erfinv"):
        converter.reference(prepared, artifact, form)
    target = registry.targets()["tflite/tensorflow"]
    with pytest.raises(Unsupported, match="Erfinv"), target.open(artifact):
        pass


def test_a_library_that_is_not_there_is_one_sentence(entry):
    problem = entry(MODEL_TOML + '\n[models.it.custom_operators]\nlibrary = "nowhere.so"\nregisterer = "R"').problem
    assert "nowhere.so does not exist; correct `custom_operators.library`" in problem
