"""A browser that falls back: a real Chromium without WebGL, and one that loses it in mid case."""

import threading

import numpy as np
import pytest

from harness import registry
from harness.errors import CaseError, Failed
from harness.project import model_entries
from harness.run.engine import Run
from harness.run.matrix import Selection, cases
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from harness.store.record import Outcome
from harness.target import SessionTimeouts, TimingPlan
from harness_targets.browser import browsers
from harness_targets.tfjs import bundles
from harness_targets.tfjs.target import TFJSTarget
from tests.targets.browser.gpu_process import kill_gpu_process

pytestmark = pytest.mark.needs("converter", "tfjs", "chromium")
LIMITS = SessionTimeouts(open_seconds=120, infer_seconds=120)


NO_WEBGL = "--disable-gpu --disable-software-rasterizer"
"""`--disable-3d-apis` is not enough: a canvas off the screen, which TensorFlow.js takes, has WebGL all the same."""


class WholeBundle(TFJSTarget):
    """The target as a page that loads all of TensorFlow.js, as the package `@tensorflow/tfjs` has it."""

    def scripts(self, artifact):
        return [*super().scripts(artifact), bundles.BACKENDS["cpu"]]


@pytest.fixture
def without_webgl(monkeypatch, target, tmp_path):
    """The WebGL target in a Chromium that has its graphics off."""
    found = target("webgl")
    program = tmp_path / "chromium-without-webgl"
    program.write_text(f'#!/bin/sh\nexec {browsers.CHROMIUM.executable()} {NO_WEBGL} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv(browsers.CHROMIUM.variable, str(program))
    return found


def test_a_browser_without_webgl_is_a_fault_that_names_it(without_webgl, made):
    with (
        pytest.raises(
            Failed, match=r"this browser did not start the webgl backend; TensorFlow\.js falls back to nothing"
        ),
        without_webgl.open(made("twins-float32").artifact, LIMITS),
    ):
        pass


def test_where_another_backend_is_at_hand_tensorflowjs_takes_it_and_that_is_caught(without_webgl, made):
    with (
        pytest.raises(Failed, match=r"did not start the webgl backend; TensorFlow\.js falls back to cpu"),
        WholeBundle("tfjs/whole-bundle", "webgl", ()).open(made("twins-float32").artifact, LIMITS),
    ):
        pass


def test_the_run_fails_and_says_why(without_webgl, converter, tmp_path):
    chosen = cases(
        Selection(("hello_world",), ("float32",), ("tfjs/chromium-webgl",)),
        model_entries(tmp_path),
        registry.targets(),
        registry.formats(),
    )
    settings = Settings(root=tmp_path, cache=tmp_path / "cache", results=tmp_path / "results", parity_only=True)
    (found,) = Run(chosen, settings, SilentProgress(), converter).execute().cases
    assert found.outcome is Outcome.FAILED
    assert "did not start the webgl backend" in found.reason


def test_a_webgl_context_that_is_lost_in_mid_case_never_gives_numbers(target, made):
    """The process that computes is killed: the browser starts another, and the page's context is gone."""
    model = made("cnn-float32")

    long = TimingPlan(min_iterations=1, min_seconds=60, max_iterations=10**9, max_seconds=60)
    with target("webgl").open(model.artifact, LIMITS) as session:
        before = session.infer(model.samples)["output_0"]
        np.testing.assert_allclose(before, model.reference["output_0"], atol=2e-6)
        timer = threading.Timer(1.0, kill_gpu_process, [session.profile])
        timer.start()
        with pytest.raises(CaseError) as caught:
            session.time(model.samples, long)
        timer.join()
    assert "\n" not in str(caught.value)
