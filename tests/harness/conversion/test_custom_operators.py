"""A model with a custom operator runs where its library is named, and is unsupported elsewhere."""

import math
import subprocess

import numpy as np
import pytest

from harness import registry
from harness.conversion.golden import read_golden
from harness.errors import CaseError, Unsupported

# The converter's package brings no headers of TFLite's C interface: what of it the kernel needs is written down here,
# as `tensorflow/lite/core/c/common.h` lays it out.
LIBRARY = """
#include <cmath>
#include <cstddef>

struct IntArray { int size; int data[]; };
struct Tensor {
  int type; void* data; IntArray* dims; float scale; int zero_point; int allocation_type; size_t bytes;
  const void* allocation; const char* name; void* delegate; int buffer_handle; bool stale, variable;
  int quantisation_type; void* quantisation; void* sparsity; IntArray* signature;
};
struct Context { size_t tensors_size; void* get_execution_plan; Tensor* tensors; };
struct Node { IntArray* inputs; IntArray* outputs; };
struct Registration {
  void* init; void* free; int (*prepare)(Context*, Node*); int (*invoke)(Context*, Node*); void* rest[16];
};
struct TfLiteRegistration;
namespace tflite {
class MutableOpResolver { public: void AddCustom(const char*, const TfLiteRegistration*, int); };
}

static int prepare(Context* context, Node* node) {  // the shape of the output is the converter's
  const int float32 = 1;
  return context->tensors[node->inputs->data[0]].type == float32 ? 0 : 1;
}

static int invoke(Context* context, Node* node) {
  const Tensor& in = context->tensors[node->inputs->data[0]];
  const Tensor& out = context->tensors[node->outputs->data[0]];
  if (in.bytes != out.bytes) return 1;
  for (size_t i = 0; i < in.bytes / sizeof(float); ++i) {
    double x = static_cast<const float*>(in.data)[i], y = 0.0;
    if (x <= -1.0 || x >= 1.0) {
      y = x == 1.0 ? INFINITY : x == -1.0 ? -INFINITY : NAN;
    } else {  // erf(y) = x, by Newton's method from Winitzki's approximation
      double a = 0.147, log1 = std::log(1.0 - x * x), half = 2.0 / (M_PI * a) + log1 / 2.0;
      y = std::copysign(std::sqrt(std::sqrt(half * half - log1 / a) - half), x);
      for (int step = 0; step < 4; ++step) y -= (std::erf(y) - x) * std::sqrt(M_PI) / 2.0 * std::exp(y * y);
    }
    static_cast<float*>(out.data)[i] = static_cast<float>(y);
  }
  return 0;
}

extern "C" void RegisterErfinv(tflite::MutableOpResolver* resolver) {
  static Registration registration = {nullptr, nullptr, prepare, invoke, {}};
  resolver->AddCustom("Erfinv", reinterpret_cast<const TfLiteRegistration*>(&registration), 1);
}
"""
MODEL = """
def inverse_error_function():
    import tensorflow as tf

    return tf.function(lambda x: tf.math.erfinv(x) + 1.0, input_signature=[tf.TensorSpec((1, 3), name="x")])
"""
pytestmark = pytest.mark.needs("converter", "c++-compiler")
NAMED = '\n[models.it.custom_operators]\nlibrary = "liberfinv.so"\nregisterer = "RegisterErfinv"'
MODEL_TOML = 'entry = "custom:inverse_error_function"\ndata = "between.npz"'
X = np.array([[-0.99, -0.5, -0.1], [0.0, 0.25, 0.999]], np.float32)
INVERSE = np.array([[-1.8213864, -0.4769363, -0.0888560], [0.0, 0.2253121, 2.3267538]])


@pytest.fixture(scope="module")
def library(sources, converter_python):
    program = "import importlib.util; print(importlib.util.find_spec('tensorflow').submodule_search_locations[0])"
    tensorflow = subprocess.run(
        [converter_python, "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()
    (sources / "erfinv.cc").write_text(LIBRARY)
    (sources / "custom.py").write_text(MODEL)
    np.savez(sources / "between.npz", x=X)
    flags = ["-shared", "-fPIC", f"-L{tensorflow}", "-l:libtensorflow_cc.so.2", f"-Wl,-rpath,{tensorflow}"]
    made = sources / "liberfinv.so"
    subprocess.run(["g++", sources / "erfinv.cc", "-o", made, *flags], check=True, capture_output=True)
    return made


def converted(converter, entry, toml):
    found = entry(toml)
    prepared = converter.prepare(found)
    form = registry.formats()["tflite"]
    return prepared, form, converter.convert(prepared, form, form.variant("custom"))


def test_with_the_library_the_reference_and_the_target_compute_it(converter, entry, library):
    prepared, form, artifact = converted(converter, entry, MODEL_TOML + NAMED)
    assert artifact.operators == {"ADD": 1, "Erfinv": 1}
    assert artifact.custom_operators.registerer == "RegisterErfinv"
    golden = read_golden(prepared.golden_path)
    np.testing.assert_allclose(golden.outputs["output_0"][:, 0], INVERSE + 1, rtol=2e-4)
    assert math.erf(INVERSE[0, 0]) == pytest.approx(-0.99, abs=1e-6)
    reference = converter.reference(prepared, artifact, form).read()["output_0"]
    np.testing.assert_allclose(reference, golden.outputs["output_0"], rtol=1e-5)
    with registry.targets()["tflite/tensorflow"].open(artifact) as session:
        np.testing.assert_array_equal(session.infer({"x": X[:, None]})["output_0"], reference)


@pytest.mark.parametrize("target", ["tflite/litert-builtin", "tflite/tflite-runtime"])
def test_in_a_runtime_that_the_library_was_not_built_for_it_computes_or_is_refused_in_one_sentence(
    converter, entry, library, litert_python, tflite_runtime_python, target
):
    _, _, artifact = converted(converter, entry, MODEL_TOML + NAMED)
    outputs, refusal = computed_or_refused(registry.targets()[target], artifact)
    if refusal:
        assert "\n" not in refusal
    else:
        np.testing.assert_allclose(outputs[:, 0], INVERSE + 1, rtol=1e-4)


def computed_or_refused(target, artifact):
    try:
        with target.open(artifact) as session:
            return session.infer({"x": X[:, None]})["output_0"], ""
    except CaseError as problem:
        return None, str(problem)


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
