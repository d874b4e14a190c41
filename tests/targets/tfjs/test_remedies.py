"""The catalogue's entries on TensorFlow.js, triggered by real models on real backends in a real browser."""

import pytest

from harness import registry
from harness.errors import Unsupported
from harness.project import model_entries
from harness.remedies.explain import find_remedy, reason
from harness.run.engine import Run
from harness.run.matrix import Selection, cases
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from harness.store.record import Outcome
from harness.target import SessionTimeouts

FIREFOX = pytest.param("firefox-wasm", marks=pytest.mark.needs("firefox"))
pytestmark = pytest.mark.needs("converter", "tfjs", "chromium")
LIMITS = SessionTimeouts(open_seconds=120, infer_seconds=120)


def test_a_kernel_that_is_not_registered_is_named_with_its_remedy(target, converted):
    """As the page says it when it runs, which is later than the installed packages can tell."""
    model = converted("einsum", "float32")
    with target("wasm").open(model.artifact, LIMITS) as session, pytest.raises(Unsupported) as caught:
        session.infer(model.samples)
    explanation = find_remedy(str(caught.value), caught.value.log)
    assert explanation.remedy.name == "TF.js kernel missing"
    assert explanation.meaning == "The backend wasm of TensorFlow.js has no kernel Einsum."
    assert "Run on another backend" in reason(caught.value)


def test_a_type_that_a_backend_lacks_is_named(target, converted):
    model = converted("spectrum", "float32")
    with (
        target("wasm").open(model.artifact, LIMITS) as session,
        pytest.raises(Unsupported, match=r"this backend of TensorFlow\.js has no tensors of type complex64"),
    ):
        session.infer(model.samples)


def test_where_kernels_and_types_are_there_the_same_model_runs(target, converted):
    model = converted("spectrum", "float32")
    with target("cpu").open(model.artifact, LIMITS) as session:
        (found,) = session.infer(model.samples).values()
    (expected,) = model.golden.values()
    assert abs(found - expected).max() < 1e-4


def test_a_kernel_known_to_be_missing_ends_the_case_before_a_browser_is_started(target, project, converter):
    target("wasm")
    (project / "harness.toml").write_text('[models.it]\nentry = "keras_models:einsum"\n')
    chosen = cases(
        Selection(("it",), ("float32",), ("tfjs/chromium-wasm", "tfjs/chromium-cpu")),
        model_entries(project),
        registry.targets(),
        registry.formats(),
    )
    settings = Settings(root=project, cache=project / "cache", results=project / "results", parity_only=True)
    found = {case.id: case for case in Run(chosen, settings, SilentProgress(), converter).execute().cases}
    wasm, cpu = found["it/float32/tfjs/chromium-wasm"], found["it/float32/tfjs/chromium-cpu"]
    assert wasm.outcome is Outcome.UNSUPPORTED
    assert "Einsum (the wasm backend of TensorFlow.js has no kernel Einsum)" in wasm.reason
    assert "Run on another backend" in wasm.reason
    assert cpu.outcome is Outcome.PASSED


def test_what_a_layers_model_cannot_hold_has_its_remedy(converted):
    with pytest.raises(Unsupported) as caught:
        converted("attention")
    assert find_remedy(str(caught.value), caught.value.log).remedy.name == "layers model unloadable"
    assert "Convert a graph variant" in reason(caught.value)


@pytest.mark.parametrize("name", ["wasm", FIREFOX])
def test_a_loop_that_the_wasm_backend_breaks_is_told_alike_by_every_browser(target, converted, name):
    """TensorFlow.js disposes of a tensor that the loop still needs; browsers say so each in their own words."""
    model = converted("gated", "float32")
    with (
        target(name).open(model.artifact, LIMITS) as session,
        pytest.raises(Unsupported, match=r"TensorFlow\.js used a tensor that it had disposed of"),
    ):
        session.infer(model.samples)
