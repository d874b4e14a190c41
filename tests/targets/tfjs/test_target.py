"""Numbers and times from a real browser."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from harness.errors import Failed, Unsupported
from harness.process.warm import end_warm
from harness.ragged import split_samples
from harness.target import SessionTimeouts, TimingPlan
from harness_targets.tfjs.target import targets
from tests.targets.browser.gpu_process import assert_a_lost_device_is_said

pytestmark = pytest.mark.needs("converter", "tfjs", "chromium")
LIMITS = SessionTimeouts(open_seconds=90, infer_seconds=90)
PLAN = TimingPlan(min_iterations=5, min_seconds=0.1, max_iterations=60, max_seconds=60)
IN_CHROMIUM = ("wasm", "cpu", "webgl", "wasm-threads", "webgpu")
EVERY_BACKEND = (*IN_CHROMIUM, "firefox-wasm", "webkit-wasm")
ELSEWHERE = [
    pytest.param(f"{browser}-{backend}", marks=pytest.mark.needs(browser, f"tfjs/{browser}-{backend}"))
    for browser in ("firefox", "webkit")
    for backend in ("wasm", "webgl")
]


@pytest.mark.parametrize("backend", [*IN_CHROMIUM, *ELSEWHERE])
def test_every_backend_agrees_with_the_reference_and_is_timed(target, made, backend, gone):
    model = made("cnn-float32")
    in_any_browser = backend.removeprefix("firefox-").removeprefix("webkit-")
    with target(backend).open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
        timing = session.time(model.samples, replace(PLAN, per_operator=True, kernels=True))
        again = session.time(model.samples, PLAN)
        footprint = session.footprint()
        assert {name: session.footprint().figures[name] for name in footprint.exact} == {
            name: footprint.figures[name] for name in footprint.exact
        }
        assert session.foreign_requests() == []
        profile = session.profile
    np.testing.assert_allclose(outputs["output_0"], model.reference["output_0"], atol=2e-6)
    assert outputs["output_0"].dtype == np.float32
    assert timing.samples_ns.dtype == np.int64
    assert PLAN.min_iterations <= len(timing.samples_ns) <= PLAN.max_iterations
    assert (timing.samples_ns > 0).all()
    # Compilation and uploads happen once, at the session's first inference, which was not a timed one.
    assert (again.first_ns, again.compile_ns) == (timing.first_ns, timing.compile_ns)
    assert again.upload_ns == timing.upload_ns
    # All browsers round more where a page is not isolated: to 100 µs and 1 ms. What is rounded is a double.
    assert 0 < timing.clock_resolution_ns <= (100_000 if "firefox" in backend else 20_001)
    assert timing.details["backend"] == in_any_browser.split("-")[0]
    assert timing.details["tensors_leaked"] == "0"
    assert timing.details["cross_origin_isolated"] == "true"
    if backend in ("firefox-webgl", "webkit-webgl"):  # no timers there: what a kernel takes is not told
        assert timing.details["software_renderer"] == "true"
        assert (timing.per_operator, timing.kernel_ns) == ((), None)
    else:
        convolution = next(one for one in timing.per_operator if one.operator == "FusedConv2D")
        assert (convolution.count, convolution.shape.startswith("1×")) == (1, True)
        assert convolution.samples_ns.sum() > 0 or backend == "webkit-wasm"  # shorter than a step of its clock
        has_timers = backend in ("webgl", "webgpu")  # SwiftShader has them as well
        assert (timing.kernel_ns is not None) is has_timers
        assert not has_timers or 0 < timing.kernel_resolution_ns < np.median(timing.kernel_ns)
    assert all(isinstance(value, str) for value in timing.details.values())
    assert footprint.figures["artifact_bytes"] == model.artifact.bytes
    assert footprint.figures["peak_memory_bytes"] > footprint.figures["tensor_bytes"] > 0
    assert footprint.figures["kernels"] >= max(1, sum(one.count for one in timing.per_operator))
    assert timing.start_ns > 0
    if in_any_browser in ("webgl", "webgpu"):
        figures = footprint.figures
        assert figures["gpu_allocated_bytes"] >= figures["gpu_bytes"] >= figures["tensor_bytes"]
        assert 0 < timing.upload_ns < timing.first_ns
    else:
        assert "gpu_bytes" not in footprint.figures
        assert timing.upload_ns is None
    if "webgl" in backend:  # which waits for its programs; WebGPU makes its pipelines elsewhere
        # In WebKit what is waited for is a small part: the program is compiled at its first drawing.
        least = 0 if backend == "webkit-webgl" else timing.first_ns / 10
        assert least < timing.compile_ns < timing.first_ns - timing.upload_ns
    else:
        assert timing.compile_ns is None
    end_warm()  # it is kept for the next case
    assert gone(profile)


@pytest.mark.parametrize(
    ("backend", "flag"), [("webgl", "ENGINE_COMPILE_ONLY"), ("webgpu", "WEBGPU_ENGINE_COMPILE_ONLY")]
)
def test_programs_are_compiled_in_parallel_before_the_first_inference(target, made, backend, flag):
    model = made("cnn-float32")
    parallel = target(backend).configured(f"tfjs/parallel-{backend}", {flag: True})
    with parallel.open(model.artifact, LIMITS) as session:
        timing = session.time(model.samples, PLAN)
        outputs = session.infer(model.samples)
    np.testing.assert_allclose(outputs["output_0"], model.reference["output_0"], atol=2e-6)
    assert timing.details["compilation"] == "in parallel, before the first inference"
    assert timing.compile_ns > 0
    assert parallel.fingerprint()["environment_flags"] == f"{flag}=true"


def test_what_would_be_kept_as_state_is_not_compiled_in_parallel(target, made):
    artifact = made("cnn-float32").artifact.model_copy(update={"state": "variables"})
    parallel = target("webgl").configured("tfjs/parallel", {"ENGINE_COMPILE_ONLY": True})
    with pytest.raises(Unsupported, match="this model would keep that as its state"), parallel.open(artifact, LIMITS):
        pass


def test_a_software_renderer_is_marked(target, made):
    model = made("twins-float32")
    with target("webgl").open(model.artifact, LIMITS) as session:
        details = session.time(model.samples, PLAN).details
    assert "SwiftShader" in details["renderer"]
    assert details["software_renderer"] == "true"


def test_the_wasm_binary_is_the_one_asked_for(target, made):
    model = made("twins-float32")
    binaries = {}
    for backend in ("wasm", "wasm-threads"):
        with target(backend).open(model.artifact, LIMITS) as session:
            binaries[backend] = session.time(model.samples, PLAN).details["wasm_file"]
    assert binaries == {"wasm": "tfjs-backend-wasm-simd.wasm", "wasm-threads": "tfjs-backend-wasm-threaded-simd.wasm"}


SAVED = ["cnn-uint8", "cnn-float16", "twins-float32", "integers-float32", "branches-float32", "echo-float32"]


@pytest.mark.parametrize("name", SAVED)
def test_variants_names_and_types_in_wasm(target, made, name):
    model = made(name)
    with target("wasm").open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
    assert outputs.keys() == model.reference.keys()
    for key, expected in model.reference.items():
        assert outputs[key].dtype == expected.dtype
        np.testing.assert_allclose(outputs[key], expected, atol=2e-6)


def test_an_output_holds_as_many_rows_as_the_data_say(target, made):
    model = made("rows-float32")
    counts = [int((sample[:, 0] > 0).sum()) for sample in model.samples["x"]]
    assert len(set(counts)) > 1
    with target("cpu").open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
    for side in (outputs, model.reference, model.golden):
        assert [len(values) for values in split_samples(side, "kept")] == counts
        np.testing.assert_allclose(side["kept"], model.golden["kept"], atol=1e-6)
        np.testing.assert_allclose(side["sum"], model.golden["sum"], atol=1e-6)


def test_a_loop_runs_asynchronously(target, made):
    model = made("loop-float32")
    with target("cpu").open(model.artifact, LIMITS) as session:
        outputs = session.infer(model.samples)
        assert session.time(model.samples, PLAN).details["execution"] == "executeAsync"
    np.testing.assert_allclose(outputs["y"], model.reference["y"], rtol=1e-5)


def test_two_sessions_at_once(target, made):
    model = made("cnn-float32")
    found = {}

    def run(backend: str) -> None:
        with target(backend).open(model.artifact, LIMITS) as session:
            found[backend] = session.infer(model.samples)["output_0"]

    threads = [threading.Thread(target=run, args=(backend,)) for backend in ("wasm", "cpu")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for backend in ("wasm", "cpu"):
        np.testing.assert_allclose(found[backend], model.reference["output_0"], atol=2e-6)


def test_what_the_backend_cannot_do_is_unsupported_by_name(target, made):
    model = made("matrix_bias-float32")
    with (
        target("wasm").open(model.artifact, LIMITS) as session,
        pytest.raises(Unsupported, match="_FusedMatMul only supports rank-1 bias"),
    ):
        session.infer(model.samples)


def test_a_wrong_shape_is_one_sentence(target, made):
    model = made("twins-float32")
    with (
        target("cpu").open(model.artifact, LIMITS) as session,
        pytest.raises(Failed, match=r"input 'alpha' is float32 \[4, 1, 5\], not float32 samples × \[1, 4\]"),
    ):
        session.infer({**model.samples, "alpha": np.zeros((4, 1, 5), np.float32)})


@pytest.mark.needs("firefox")
def test_coverage_is_read_from_the_installed_packages(target, made):
    artifact = made("cnn-float32").artifact
    assert all(target(backend).unsupported_operators(artifact) == () for backend in EVERY_BACKEND)
    strange = artifact.model_copy(update={"operators": {"Einsum": 1, "UniqueV2": 1, "NoSuchOperator": 1}})
    assert target("wasm").unsupported_operators(strange) == (
        "Einsum (the wasm backend of TensorFlow.js has no kernel Einsum)",
    )
    assert target("webgpu").unsupported_operators(strange) == (
        "UniqueV2 (the webgpu backend of TensorFlow.js has no kernel Unique)",
    )
    assert target("cpu").unsupported_operators(strange) == ()


@pytest.mark.needs("firefox", "webkit")
def test_the_default_matrix_and_the_fingerprint(target):
    defaults = {target.name: target.default_variants for target in targets()}
    assert defaults == {
        "tfjs/chromium-wasm": ("float32", "uint8"),
        "tfjs/chromium-cpu": (),
        "tfjs/chromium-webgl": ("float32",),
        "tfjs/chromium-wasm-threads": (),
        "tfjs/chromium-webgpu": (),
        "tfjs/firefox-wasm": (),
        "tfjs/firefox-cpu": (),
        "tfjs/firefox-webgl": (),
        "tfjs/webkit-wasm": (),
        "tfjs/webkit-cpu": (),
        "tfjs/webkit-webgl": (),
    }
    prints = [target(backend).fingerprint() for backend in EVERY_BACKEND]
    assert len({tuple(found.items()) for found in prints}) == len(EVERY_BACKEND)
    names = {backend: found["browser"] for backend, found in zip(EVERY_BACKEND, prints, strict=True)}
    assert "Firefox" in names.pop("firefox-wasm")
    assert "WebKit" in names.pop("webkit-wasm")
    assert all("hromium" in name or "hrome" in name for name in names.values())


@pytest.mark.parametrize("flags", [{}, {"WEBGL_FORCE_F16_TEXTURES": True}])
def test_half_precision_says_so_and_overflows_where_float32_does_not(target, made, flags):
    model = made("cnn-float32")
    large = {name: values * np.float32(1e6) for name, values in model.samples.items()}
    chosen = target("webgl").configured("tfjs/flagged", flags)
    with chosen.open(model.artifact, LIMITS) as session:
        outputs = session.infer(large)
        details = session.footprint().details
    assert details["float_bits"] == ("16" if flags else "32")
    assert bool(np.isfinite(outputs["output_0"]).all()) is not bool(flags)


def test_a_gpu_device_that_is_lost_in_mid_run_is_said_at_once(target, made):
    model = made("cnn-float32")
    with target("webgpu").open(model.artifact, LIMITS) as session:
        assert_a_lost_device_is_said(session, model.samples)
