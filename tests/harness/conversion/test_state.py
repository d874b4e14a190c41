"""Every sample starts from fresh state, in TensorFlow, in the reference and on each target; or in none of them."""

from dataclasses import replace

import numpy as np
import pytest

from harness import registry
from harness.conversion.golden import read_golden
from harness.target import TimingPlan
from harness_targets.tflite.target import targets
from harness_targets.tflm.target import MicroTarget

FORM = registry.formats()["tflite"]
MODELS = """
import tensorflow as tf


class Counter(tf.Module):
    def __init__(self):
        self.total = tf.Variable([[5.0, 0.0, 1.0]])

    @tf.function(input_signature=[tf.TensorSpec([1, 3], name="x")])
    def serve(self, x):
        self.total.assign(self.total * 0.5 + x)
        return {"y": self.total * 2.0}


class Generator(tf.Module):
    def __init__(self):
        self.random = tf.random.Generator.from_seed(3)

    @tf.function(input_signature=[tf.TensorSpec([1, 3], name="x")])
    def serve(self, x):
        return {"y": x + self.random.normal([1, 3])}


def recurrent():
    import tf_keras

    tf_keras.utils.set_random_seed(4)
    x = tf_keras.Input((6, 3), batch_size=1, name="x")
    module = tf.Module()
    module.model = tf_keras.Model(x, tf_keras.layers.Dense(2)(tf_keras.layers.LSTM(8)(x)))
    module.serve = tf.function(lambda x: {"y": module.model(x)}, input_signature=[tf.TensorSpec((1, 6, 3), name="x")])
    return module


def noisy():
    return tf.function(lambda x: {"y": x + tf.random.normal([1, 3])}, input_signature=[tf.TensorSpec([1, 3], name="x")])


def logarithm():
    return tf.function(lambda x: {"y": tf.math.log(x)}, input_signature=[tf.TensorSpec([1, 3], name="x")])
"""


@pytest.fixture
def toml(tmp_path):
    (tmp_path / "states.py").write_text(MODELS)
    generator = np.random.default_rng(0)
    np.savez(tmp_path / "flat.npz", x=generator.normal(size=(6, 1, 3)).astype("f4"))
    np.savez(tmp_path / "series.npz", x=generator.normal(size=(6, 1, 6, 3)).astype("f4"))

    def toml(function, data="flat.npz", more=""):
        return f'path = "{tmp_path}"\nentry = "states:{function}"\ndata = "{tmp_path / data}"\n{more}'

    return toml


@pytest.fixture
def converted(converter, entry):
    def converted(toml):
        found = entry(toml)
        prepared = converter.prepare(found)
        return prepared, converter.convert(prepared, FORM, FORM.variant("float32"))

    return converted


def ran(target, artifact, inputs):
    with target.open(artifact) as session:
        return session.infer(artifact.stored(inputs))["y"]


def test_tensorflow_begins_each_sample_anew_unless_it_is_a_sequence(prepare, toml):
    _, fresh = prepare(toml("Counter"))
    x = fresh.inputs["x"]
    np.testing.assert_allclose(fresh.outputs["y"], 2 * (0.5 * np.float32([5, 0, 1]) + x), rtol=1e-6)
    facts, stream = prepare(toml("Counter", more="sequence = true"))
    total, expected = np.float32([5, 0, 1]), []
    for sample in x:
        total = total * np.float32(0.5) + sample
        expected.append(2 * total)
    np.testing.assert_allclose(stream.outputs["y"], expected, rtol=1e-5)
    assert facts["sequence"]


def test_the_numbers_of_a_generator_are_state_too(prepare, toml):
    facts, golden = prepare(toml("Generator"))
    noise = golden.outputs["y"] - golden.inputs["x"]
    np.testing.assert_allclose(noise, np.broadcast_to(noise[:1], noise.shape), atol=1e-5)
    assert facts["golden_fault"] == ""


@pytest.mark.parametrize(
    ("function", "data", "state"), [("Counter", "flat.npz", "resources"), ("recurrent", "series.npz", "variables")]
)
def test_reference_and_targets_begin_each_sample_anew_and_keep_state_in_a_sequence(
    converter, converted, toml, litert_python, tflite_micro_python, function, data, state
):
    prepared, artifact = converted(toml(function, data))
    assert artifact.state == state
    golden = read_golden(prepared.golden_path)
    fresh = converter.reference(prepared, artifact, FORM).read()["y"]
    np.testing.assert_allclose(fresh, golden.outputs["y"], atol=1e-5)
    as_stream = artifact.model_copy(update={"sequence": True})
    kept = converter.reference(prepared, as_stream, FORM).read()["y"]
    np.testing.assert_array_equal(kept[0], fresh[0])
    assert np.abs(kept[1:] - fresh[1:]).max() > 1e-3
    xnnpack = next(target for target in targets() if target.name == "tflite/litert-xnnpack")
    for target in (xnnpack, MicroTarget()):
        np.testing.assert_allclose(ran(target, artifact, golden.inputs), fresh, atol=1e-5)
        np.testing.assert_allclose(ran(target, as_stream, golden.inputs), kept, atol=1e-5)


def test_a_model_with_state_can_be_timed(converted, toml, litert_python):
    prepared, artifact = converted(toml("Counter"))
    samples = artifact.stored(read_golden(prepared.golden_path).inputs, samples=1)
    xnnpack = next(target for target in targets() if target.name == "tflite/litert-xnnpack")
    with xnnpack.open(artifact) as session:
        timing = session.time(samples, TimingPlan(min_iterations=5, min_seconds=0.0, max_iterations=5))
    assert len(timing.samples_ns) == 5


def test_a_model_without_state_is_told_so(converted, toml):
    assert converted(toml("logarithm"))[1].state == "none"


def test_a_source_that_does_not_repeat_itself_and_one_that_gives_nan_are_said_to_be_at_fault(prepare, toml):
    facts, _ = prepare(toml("noisy"))
    assert "TensorFlow's own output 'y' does not repeat itself" in facts["golden_fault"]
    facts, _ = prepare(toml("logarithm"))
    assert "TensorFlow's own output 'y' is NaN in" in facts["golden_fault"]
    assert "inputs that the model is for" in facts["golden_fault"]


def test_a_sequence_has_an_address_of_its_own(entry, toml):
    plain, stream = (entry(toml("Counter", more=more)).source for more in ("", "sequence = true"))
    assert plain.identity() != stream.identity()
    assert replace(stream, sequence=False).identity() == plain.identity()
