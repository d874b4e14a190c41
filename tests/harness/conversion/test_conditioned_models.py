"""The conditioning of real artifacts: what each format's disturbed operators make of one small model."""

import json

import numpy as np
import pytest

from harness import registry
from harness.conversion.converter import Converter
from harness.errors import Failed
from harness.project import model_entries

FORMATS = registry.formats()


@pytest.fixture
def prepared(converter, entry):
    return converter.prepare(entry('path = "keras_2.h5"\ndata = "data.npz"'))


def conditioned(converter, prepared, form, variant):
    artifact = converter.convert(prepared, FORMATS[form], FORMATS[form].variant(variant))
    reference = converter.reference(prepared, artifact, FORMATS[form])
    return artifact, reference, converter.conditioning(prepared, artifact, FORMATS[form], reference)


@pytest.mark.parametrize(
    ("form", "variant"),
    [("tflite", "float32"), ("tflite", "float16"), ("tfjs", "float32"), ("tfjs", "layers-float32")],
)
def test_a_small_dense_model_in_float32_is_well_conditioned(converter, prepared, form, variant):
    _, _, seen = conditioned(converter, prepared, form, variant)
    assert not seen.problem
    assert seen.samples == 16
    (output,) = seen.outputs
    assert 95 < output.sqnr_db < 139
    assert 0 < output.peak < 1e-4
    assert output.step is output.steps is None


@pytest.mark.parametrize("variant", ["int8", "uint8", "int8-float-io", "int16x8"])
def test_integers_move_by_steps_with_whatever_type_they_leave(converter, prepared, variant):
    artifact, reference, seen = conditioned(converter, prepared, "tflite", variant)
    assert not seen.problem
    (output,) = seen.outputs
    assert 0 <= output.steps < 40
    assert 15 < output.sqnr_db < 110
    values = next(iter(reference.read().values()))
    if values.dtype == np.float32:  # a multiple of its step
        assert np.abs(values / output.step - np.round(values / output.step)).max() < 1e-2
    else:
        assert output.step == artifact.outputs[0].quantisation.scale


NARROW = """
def narrow():
    import numpy as np
    import tensorflow as tf

    weights = np.random.default_rng(0).normal(size=(6, 3)).astype("f4")
    return tf.function(lambda x: tf.tanh(x @ weights), input_signature=[tf.TensorSpec((1, 6), name="x")])
"""


def test_three_values_are_seen_to_move_as_many_would(converter, tmp_path):
    """One value of 384 was three steps off in every sound runtime, and none was foretold to move: with the same noise
    for all samples, one value in fifty of three is none."""
    (tmp_path / "small.py").write_text(NARROW)
    (tmp_path / "harness.toml").write_text('[models.narrow]\npath = "."\nentry = "small:narrow"\n')
    prepared = converter.prepare(model_entries(tmp_path)["narrow"])
    _, _, seen = conditioned(converter, prepared, "tflite", "int8")
    (output,) = seen.outputs
    assert 2 <= output.steps <= 12


def test_it_is_measured_once_and_kept_as_it_is(converter, prepared):
    artifact, reference, seen = conditioned(converter, prepared, "tflite", "float32")
    assert converter.conditioning(prepared, artifact, FORMATS["tflite"], reference) == seen
    json.dumps(seen.model_dump(mode="json"), allow_nan=False)


def test_what_cannot_be_measured_is_said_and_ends_nothing(converter, prepared, monkeypatch):
    artifact, reference, _ = conditioned(converter, prepared, "tflite", "float32")

    def refused(*_, **__):
        raise Failed("the child is gone")

    monkeypatch.setattr(Converter, "_entry", refused)
    seen = converter.conditioning(prepared, artifact, FORMATS["tflite"], reference)
    assert seen.outputs == ()
    assert seen.problem == "the child is gone"
