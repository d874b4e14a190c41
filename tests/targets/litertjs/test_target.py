"""LiteRT.js for real: the phone's bytes in a page give the reference's numbers, and what falls back is caught."""

import hashlib
import shutil

import numpy as np
import pytest

from harness.artifact import FileHash
from harness.case_name import CaseName
from harness.errors import CaseError, Failed, Unsupported
from harness.gate.judge_case import judge_case
from harness.gate.policy import Policy
from harness.store.record import Measured
from harness.target import SessionTimeouts, TimingPlan
from harness_targets.browser.browsers import CHROMIUM, WEBKIT
from harness_targets.litertjs.bundles import BUNDLE, MODULE
from harness_targets.litertjs.target import LiteRTJSTarget
from harness_targets.tflite.operator_outputs import OPERATOR_OUTPUTS
from tests.parts import on_target
from tests.targets.browser.gpu_process import assert_a_lost_device_is_said

pytestmark = pytest.mark.needs("converter", "litertjs", "chromium")
LIMITS = SessionTimeouts(open_seconds=120, infer_seconds=120)
PLAN = TimingPlan(min_iterations=5, min_seconds=0.05, max_iterations=60, max_seconds=60)


@pytest.mark.parametrize(
    ("name", "wasm_file"),
    [
        on_target(f"litertjs/{name}", name, f"litert_wasm_{file}.wasm")
        for name, file in [
            ("chromium-wasm", "internal"),
            ("chromium-wasm-threads", "threaded_internal"),
            ("chromium-webgpu", "jspi_internal"),
            ("firefox-wasm", "internal"),
            ("webkit-wasm", "compat_internal"),  # no relaxed SIMD there
        ]
    ],
)
def test_every_accelerator_agrees_with_the_reference_and_is_timed(target, made, name, wasm_file):
    model = made("digits_cnn")
    with target(name).open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
        timing = session.time(model.samples, PLAN)
        footprint = session.footprint()
        assert session.foreign_requests() == []
    np.testing.assert_allclose(outputs["output_0"], model.reference["output_0"], atol=1e-5)
    assert PLAN.min_iterations <= len(timing.samples_ns) <= PLAN.max_iterations
    assert timing.load_ns > 0
    assert timing.details["backend"] == target(name).backend
    assert timing.details["wasm_file"] == wasm_file == target(name).fingerprint()["wasm_file"]
    assert timing.details["tensors_leaked"] == "0"
    assert footprint.figures["wasm_heap_bytes"] > 1 << 20
    if name == "chromium-webgpu":
        assert timing.details["accelerated"] == "whole"
        assert timing.details["software_renderer"] == "true"


def test_operators_show_their_results_to_locate(target, made, tmp_path):
    """The signature of the given file has fewer outputs, for which LiteRT.js refused the copy."""
    model = made("digits_cnn")
    results = [info for one in OPERATOR_OUTPUTS.operations(model.artifact) for info in one.results]
    inside = [info for info in results if info.name != "output_0"]
    shown = OPERATOR_OUTPUTS.expose(model.artifact, inside, tmp_path)
    with target("chromium-wasm").open(shown, LIMITS) as session:
        outputs = session.infer(model.samples)
    assert outputs.keys() == {info.name for info in results}
    np.testing.assert_allclose(outputs["output_0"], model.reference["output_0"], atol=1e-5)
    assert all(np.isfinite(values).all() and values.any() for values in outputs.values())


def test_an_lstm_keeps_no_state_from_sample_to_sample(target, made):
    model = made("digits_lstm")
    with target("chromium-wasm").open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
    np.testing.assert_allclose(outputs["output_0"], model.reference["output_0"], atol=1e-5)


def test_a_type_that_no_tensor_has_is_unsupported_and_foretold(target, made):
    model = made("digits_cnn", "int8")
    assert target("chromium-wasm").unsupported_operators(model.artifact) == (
        "tensors of type int8 as inputs or outputs (LiteRT.js has float32, int32, uint8)",
    )
    with (
        pytest.raises(Unsupported, match=r"LiteRT\.js has no tensors of type int8"),
        target("chromium-wasm").open(model.artifact, LIMITS),
    ):
        pass


def test_names_that_do_not_go_together_are_a_failure_not_a_guess(target, made):
    artifact = made("digits_cnn").artifact
    (output,) = artifact.outputs
    twice = artifact.model_copy(update={"outputs": (output, output.model_copy(update={"name": "other"}))})
    with (
        pytest.raises(Failed, match=r"the artifact has the outputs output_0, other, and LiteRT\.js"),
        target("chromium-wasm").open(twice, LIMITS),
    ):
        pass


def changed_bundle(folder, *changes):
    """The installed files with other words in the library, as a bundle."""
    shutil.copytree(BUNDLE.directory(), folder)
    module = folder / MODULE
    text = module.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    module.write_text(text)

    class Changed(type(BUNDLE)):
        def install(self):
            return folder

    return Changed(**{name: getattr(BUNDLE, name) for name in BUNDLE.__dataclass_fields__})


def test_the_librarys_own_whole_model_fallback_to_wasm_breaks_a_rule(made, tmp_path):
    """As in a browser without JSPI, of a model that the GPU cannot run whole: the library itself warns and goes on."""
    target = LiteRTJSTarget("litertjs/chromium-webgpu", "webgpu", ())
    target.bundle = changed_bundle(
        tmp_path / "bundle",
        ('"Suspending" in WebAssembly', "false"),
        ("this.liteRtCompiledModel.isFullyAccelerated()", "false"),
        ('"jspi": () => {', '"jspi": () => { return {supported: true};'),
    )
    model = made("hello_world")
    with target.open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
        details = session.footprint().details
    np.testing.assert_allclose(outputs["output_0"], model.reference["output_0"], atol=1e-5)  # right, and not on the GPU
    name = CaseName("hello_world", "float32", target.name)
    checks = judge_case(name, None, None, Measured(details=dict(details)), target.fingerprint(), Policy())
    (broken,) = [check for check in checks if check.rule == "runtime.as_asked" and not check.passed]
    assert broken.message == "The backend 'webgpu' was asked for and 'wasm' did the work."


@pytest.mark.parametrize(
    ("name", "browser"),
    [
        on_target("litertjs/chromium-wasm", "litertjs/chromium-wasm", CHROMIUM),
        on_target("litertjs/webkit-wasm", "litertjs/webkit-wasm", WEBKIT),
    ],
)
def test_what_a_library_asks_of_anybody_else_is_refused_and_named(made, tmp_path, name, browser):
    target = LiteRTJSTarget(name, "wasm", (), browser=browser)
    elsewhere = "http://192.0.2.1/told"  # an address of documentation's own
    target.bundle = changed_bundle(
        tmp_path / "bundle",
        (
            "const typedArray = new typedArrayConstructor(",
            f'fetch("{elsewhere}").catch(() => {{}}); const typedArray = new typedArrayConstructor(',
        ),
    )
    model = made("hello_world")
    with target.open(model.artifact, LIMITS) as session:
        session.infer(model.samples)
        assert set(session.foreign_requests()) == {elsewhere}


def test_a_part_that_the_gpu_does_not_run_is_told(made, tmp_path):
    target = LiteRTJSTarget("litertjs/chromium-webgpu", "webgpu", ())
    said = "Following operations are not supported by GPU delegate:"
    target.bundle = changed_bundle(
        tmp_path / "bundle",
        ("this.liteRtCompiledModel.isFullyAccelerated()", "false"),
        (
            "const isWebNn =",
            f'console.error("ERROR: {said}"); console.error("IF: Operation is not supported.");'
            'console.error("25 operations will run on the GPU, and the remaining 1 operations will run on the CPU.");'
            "const isWebNn =",
        ),
    )
    with target.open(made("hello_world").artifact, LIMITS) as session:
        details = session.footprint().details
    assert details["backend"] == "webgpu"
    assert details["accelerated"] == (
        "in part: 25 operations will run on the GPU, and the remaining 1 operations will run on the CPU "
        "(IF: Operation is not supported)"
    )


def test_an_invocation_that_fails_on_the_console_alone_is_a_failure(made, tmp_path):
    """LiteRT.js goes on, and gives what its memory held."""
    target = LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ())
    said = "ERROR: [litert_compiled_model.cc:164] Failed to allocate tensors"
    target.bundle = changed_bundle(
        tmp_path / "bundle",
        ("return outputTensorBuffers.map(", f'console.error("{said}"); return outputTensorBuffers.map('),
    )
    model = made("hello_world")
    with (
        target.open(model.artifact, LIMITS) as session,
        pytest.raises(Failed, match=r"LiteRT\.js failed and gave results all the same: Failed to allocate tensors"),
    ):
        session.infer(model.samples)


def test_a_gpu_device_that_is_lost_in_mid_run_is_said_at_once(target, made):
    model = made("hello_world")
    with target("chromium-webgpu").open(model.artifact, LIMITS) as session:
        assert_a_lost_device_is_said(session, model.samples)


def test_buffers_that_are_not_ended_are_counted(made, tmp_path):
    """A copy inside the library that it forgets."""
    target = LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ())
    target.bundle = changed_bundle(
        tmp_path / "bundle",
        (
            "inputsOnAccelerator.push(input);",
            "inputsOnAccelerator.push(input); input.copyTo(TensorBufferType.HOST_MEMORY);",
        ),
    )
    model = made("hello_world")
    with target.open(model.artifact, LIMITS) as session:
        timing = session.time(model.samples, PLAN)
    assert int(timing.details["tensors_leaked"]) == len(timing.samples_ns)


def test_what_is_right_at_the_first_inference_alone_is_a_failure(made, tmp_path):
    target = LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ())
    target.bundle = changed_bundle(
        tmp_path / "bundle",
        (
            "const typedArray = new typedArrayConstructor(",
            "if (globalThis.ran) uint8Array[0] ^= 1; globalThis.ran = true;"
            " const typedArray = new typedArrayConstructor(",
        ),
    )
    model = made("hello_world")
    first = {name: values[:1] for name, values in model.samples.items()}
    with target.open(model.artifact, LIMITS) as session:
        session.infer(first)
        with pytest.raises(Failed, match="the first sample gave other values when it was run again after others"):
            session.infer(first)


def damaged(artifact, content, folder):
    """The artifact with other bytes in its file, whose hash says that they are meant."""
    (folder / artifact.entry).write_bytes(content)
    told = FileHash(path=artifact.entry, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    return artifact.model_copy(update={"files": (told,), "directory": folder})


NO_MODEL = r"model\.tflite is no TensorFlow Lite model"
NOT_WHOLE = r"LiteRT\.js cannot load model\.tflite, \d+ bytes.*: it is damaged or not whole"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: b"", r"model\.tflite is no TensorFlow Lite model \(0 bytes\)"),
        (lambda content: b"PK\3\4\0\0\0\0" + content[8:], NO_MODEL),
        (lambda content: content[:4] + b"TFL2" + content[8:], NO_MODEL),
        (
            lambda content: content[: len(content) // 2],
            r"LiteRT\.js cannot load model\.tflite, \d+ bytes.*: it is damaged or not whole",
        ),
        (lambda content: content[:8], NOT_WHOLE),
        (
            lambda content: b"\xff\xff\xff\x7fTFL3" + content[8:],
            r"LiteRT\.js cannot load model\.tflite, \d+ bytes.*: it is damaged or not whole",
        ),
        (
            lambda content: content[:8] + b"\xff" * (len(content) - 8),
            r"LiteRT\.js cannot load model\.tflite, \d+ bytes.*: it is damaged or not whole",
        ),
    ],
    ids=["empty", "another format", "another version", "half", "eight bytes", "a root beyond the end", "rubbish"],
)
def test_a_damaged_model_is_one_sentence(target, made, tmp_path, change, words):
    artifact = made("hello_world").artifact
    content = (artifact.directory / artifact.entry).read_bytes()
    with (
        pytest.raises(CaseError, match=words) as caught,
        target("chromium-wasm").open(damaged(artifact, change(content), tmp_path), LIMITS),
    ):
        pass
    assert "\n" not in str(caught.value)
