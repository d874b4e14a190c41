"""Layers models on the page: as graph models are, compared, timed and weighed."""

import numpy as np
import pytest

from harness.errors import Failed
from harness.process.warm import end_warm
from harness.target import SessionTimeouts, TimingPlan
from harness_targets.tfjs.format import FORMAT

FIREFOX = pytest.param("firefox-wasm", marks=pytest.mark.needs("firefox"))
pytestmark = pytest.mark.needs("converter", "tfjs", "chromium")
LIMITS = SessionTimeouts(open_seconds=120, infer_seconds=120)
PLAN = TimingPlan(min_iterations=5, min_seconds=0.1, max_iterations=60, max_seconds=60)


@pytest.mark.parametrize("backend", ["wasm", "cpu", "webgl", "wasm-threads", "webgpu", FIREFOX])
def test_two_inputs_and_two_outputs_on_every_backend(target, converted, backend, gone):
    model = converted("two_by_two")
    with target(backend).open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
        timing = session.time(model.samples, PLAN)
        footprint = session.footprint()
        assert session.foreign_requests() == []
    assert outputs.keys() == model.golden.keys() == {"early", "later"}
    for name, expected in model.reference.items():
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-4, atol=1e-5)
    assert timing.details["execution"] == "predict"
    assert timing.details["tensors_leaked"] == "0"
    assert PLAN.min_iterations <= len(timing.samples_ns) <= PLAN.max_iterations
    assert footprint.figures["artifact_bytes"] == model.artifact.bytes
    assert footprint.figures["peak_memory_bytes"] > footprint.figures["tensor_bytes"] > 0
    end_warm()  # it is kept for the next case
    assert gone(session.profile)


@pytest.mark.parametrize(
    "source", ["images", "sequences", "signals", "volumes", "merged", "nested", "sequential", "words", "keras_2"]
)
def test_every_kind_of_layer_computes_in_the_browser_what_keras_computes(target, converted, source):
    model = converted(source)
    with target("cpu").open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
    for name, expected in model.golden.items():
        assert outputs[name].shape == expected.shape
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", ["layers-float32", "float32"])
def test_the_wasm_backends_maximum_of_negative_volumes_is_wrong_and_noted(target, converted, variant):
    """TensorFlow.js's own fault, in silence; parity then fails, and the note says why."""
    model = converted("depths", variant)
    assert [note for note in model.artifact.notes if note.startswith("MaxPool3D: TensorFlow.js 4.22's wasm backend")]
    found = {}
    for backend in ("cpu", "wasm"):
        with target(backend).open(model.artifact, LIMITS) as session:
            (found[backend],) = session.infer(model.samples).values()
    (expected,) = model.reference.values()
    np.testing.assert_allclose(found["cpu"], expected, rtol=1e-5)
    assert (expected < 0).any()
    assert (found["wasm"][expected < 0] >= 0).all()


@pytest.mark.parametrize("variant", ["layers-float16", "layers-uint16", "layers-uint8"])
def test_stored_weights_are_restored_as_the_reference_restores_them(target, converted, variant):
    model = converted("images", variant)
    with target("wasm").open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
    for name, expected in model.reference.items():
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-4, atol=1e-5)


def test_a_real_network_on_wasm(target, converted, shared_models):
    model = converted(str(shared_models / "image_classification/pretrainedResnet.h5"))
    with target("wasm").open(model.artifact, LIMITS) as session:
        (found,) = session.infer(model.samples).values()
    (expected,) = model.golden.values()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("source", ["two_by_two", "sequential"])
def test_layers_show_their_results_on_the_page_and_in_keras(target, converted, converter, entry, source, tmp_path):
    model = converted(source)
    inside = FORMAT.operator_outputs
    results = [operation.results[0] for operation in inside.operations(model.artifact)]
    shown = inside.expose(model.artifact, results, tmp_path)
    reference = converter.reference(converter.prepare(entry(source)), shown, FORMAT).read()
    with target("cpu").open(shown, LIMITS) as session:
        outputs = session.infer(model.samples)
    assert len(results) > 1
    for info in results:
        np.testing.assert_allclose(outputs[info.name], reference[info.name], rtol=1e-4, atol=1e-5, err_msg=info.tensor)


@pytest.mark.parametrize(("flags", "half"), [({}, False), ({"WEBGL_FORCE_F16_TEXTURES": True}, True)])
def test_half_precision_textures_show_on_a_desktop_what_phones_compute(target, converted, flags, half):
    model = converted("two_by_two")
    chosen = target("webgl").configured("tfjs/flagged", flags)
    with chosen.open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
    worst = max(np.abs(outputs[name] - values).max() / np.abs(values).max() for name, values in model.reference.items())
    assert bool(worst > 2**-14) is half


def test_a_flag_that_the_library_does_not_have_is_named(target, converted):
    chosen = target("cpu").configured("tfjs/flagged", {"NO_SUCH_FLAG": True})
    with (
        pytest.raises(Failed, match=r"TensorFlow\.js 4\.22\.0 has no flag NO_SUCH_FLAG with cpu"),
        chosen.open(converted("two_by_two").artifact, LIMITS),
    ):
        pass
