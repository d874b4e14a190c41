"""What an assessment tells of models that converters and runtimes are known to trip over."""

import re
from types import SimpleNamespace

import pytest

from harness import registry
from harness.assess.assess_model import microcontroller
from harness.assess.assessment import Prediction
from harness.assess.microcontrollers import PROFILES, smallest
from harness.cache import Cache
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import Failed


def verdict(assessment, target, variant="float32"):
    (answer,) = [f for f in assessment.predictions if (f.target, f.variant) == (target, variant)]
    return answer.verdict


def row(assessment, operator):
    (found,) = [row for row in assessment.operators if row.operator == operator]
    return found


def size(assessment, form, variant):
    (found,) = [s for s in assessment.sizes if (s.format, s.variant) == (form, variant)]
    return found


def test_an_inverse_needs_select_tf_and_has_no_place_on_the_web_or_a_microcontroller(assessed):
    found = assessed("inverse")
    assert row(found, "MatrixInverse").tflite == "select TF"
    assert set(row(found, "MatrixInverse").tfjs.values()) == {"no"}
    assert verdict(found, "tflite/tensorflow", "select-tf") == "runs"
    assert verdict(found, "tflite/litert-xnnpack", "select-tf") == "does not run"
    assert verdict(found, "tflm/host", "select-tf") == "does not run"
    assert any("needs select TF for MatrixInverse" in text for text in found.recommendation)
    assert any("cofactors" in text for text in found.recommendation)


def test_lgamma_is_rewritten_for_tflite_and_unknown_to_tfjs(assessed):
    found = assessed("lgamma")
    assert row(found, "Lgamma").tflite == "removed, fused or rewritten"
    assert verdict(found, "tflite/litert-xnnpack") == "runs"
    assert verdict(found, "tfjs/chromium-cpu") == "does not run"
    assert verdict(found, "tflm/host") == "does not run"
    # TensorFlow does not repeat itself here: it refuses NEG, or a tensor of Lgamma that it did not calibrate.
    assert re.search("NEG|Lgamma", size(found, "tflite", "int16x8").problem)


def test_a_fourier_transform_converts_to_a_file_that_does_not_load_and_lacks_a_kernel_on_wasm(assessed):
    found = assessed("fft")
    assert "cannot run the result" in size(found, "tflite", "float32").problem
    assert verdict(found, "tflite/litert-xnnpack") == "does not run"
    if row(found, "FFT").tfjs["wasm"] != "not known":
        assert row(found, "FFT").tfjs == {"cpu": "yes", "wasm": "no", "webgl": "yes", "webgpu": "yes"}
        assert verdict(found, "tfjs/chromium-wasm") == "does not run"
        assert verdict(found, "tfjs/chromium-cpu") == "expected to run"


def test_a_dense_network_is_counted_exactly(assessed):
    found = assessed("wide_dense")
    assert found.parameters == 2 * (64 * 64 + 64)
    assert found.macs == 2 * 64 * 64
    assert {row.operator: row.tflite for row in found.operators} == {
        "BiasAdd": "removed, fused or rewritten",
        "MatMul": "builtin FULLY_CONNECTED",
        "Relu": "fused into FULLY_CONNECTED",
    }
    assert found.peak_activation_bytes["float32"] == 2 * 64 * 4
    assert found.peak_activation_bytes["int8"] == 2 * 64
    assert found.peak_activation_bytes["float16"] == found.peak_activation_bytes["float32"]  # widened weights apart
    assert found.open_dimensions == {"x": [None, 64]}
    assert verdict(found, "tflm/host", "int8") == "runs"
    assert verdict(found, "tflm/host", "dynamic") == "does not run"
    assert found.microcontroller.profile == PROFILES[0].name
    assert any("convertible directly" in text for text in found.recommendation)
    assert all(s.bytes for s in found.sizes if s.variant != "layers-float32")


def test_ready_files_are_assessed_without_conversion(assessed, shared_models):
    folder = shared_models / "keyword_spotting"
    quantised = assessed(str(folder / "kws_ref_model.tflite"))
    assert [(s.format, s.variant) for s in quantised.sizes] == [("tflite", "ready")]
    assert verdict(quantised, "tflm/host", "ready") == "runs"
    assert quantised.macs == 2_656_768
    hybrid = assessed(str(folder / "kws_ref_model_float32.tflite"))
    assert verdict(hybrid, "tflm/host", "ready") == "does not run"
    assert verdict(hybrid, "tflite/litert-xnnpack", "ready") == "runs"


@pytest.mark.parametrize(
    ("model", "arena", "profile"),
    [(15_000, 4_000, 0), (15_000, 100_000, 2), (900_000, 10_000, 3), (900_000, 200_000, 4), (25_000_000, 1, None)],
)
def test_the_smallest_profile_takes_model_arena_and_program(model, arena, profile):
    assert smallest(model, arena) == (None if profile is None else PROFILES[profile])


def test_a_model_of_floats_wants_a_core_with_a_floating_point_unit():
    profile = smallest(15_000, 4_000, floats=True)
    assert profile is not None
    assert profile.has_float_unit
    assert profile != smallest(15_000, 4_000)


def test_a_dynamic_variant_is_not_recommended_for_a_core_without_a_floating_point_unit():
    """It is the smallest file here, and the integers of the other fit a smaller core."""
    artifacts = {
        "dynamic": SimpleNamespace(bytes=9_000, scheme="dynamic"),
        "int8": SimpleNamespace(bytes=9_500, scheme="int8"),
    }
    trials = SimpleNamespace(artifact=lambda form, variant: artifacts[variant])
    ran = {"target": "tflm/host", "format": "tflite", "verdict": "runs", "how": "tried", "arena_bytes": 3_000}
    told = tuple(Prediction(variant=variant, **ran) for variant in artifacts)
    found = microcontroller(trials, told)
    assert (found.variant, found.profile) == ("int8", PROFILES[0].name)
    alone = microcontroller(trials, told[:1])
    assert (alone.variant, alone.profile) == ("dynamic", next(p.name for p in PROFILES if p.has_float_unit))


def test_a_model_with_state_is_assessed_though_it_cannot_be_frozen(assessment):
    found = assessment("counter", only=("float32",)).found
    assert found.parameters == 3
    assert row(found, "AssignAddVariableOp").count == 1
    assert verdict(found, "tflite/litert-xnnpack") == "runs"
    assert verdict(found, "tfjs/chromium-cpu") == "does not run"


def test_what_conversion_noted_of_an_artifact_is_told(assessment):
    found = assessment("faint", only=("float32", "int8")).found
    assert any(note.startswith("tflite int8: SOFTMAX (operator 1): the reference kernels") for note in found.notes)
    assert verdict(found, "tflite/litert-reference", "int8") == "does not run"
    assert verdict(found, "tflite/litert-builtin", "int8") == "runs"


def test_a_failure_that_would_only_come_again_is_read_from_the_cache(assessment, shared_cache, monkeypatch):
    prepared = assessment("fft").prepared

    def none_is_needed(*_, **__):
        raise AssertionError("a child process was started")

    monkeypatch.setattr("harness.conversion.children.ChildProcess", none_is_needed)
    another = Converter(Cache(shared_cache / "artifacts"), environment("converter"), 1)
    form = registry.formats()["tflite"]
    with pytest.raises(Failed, match="cannot run the result"):
        another.convert(prepared, form, form.variant("float32"))
