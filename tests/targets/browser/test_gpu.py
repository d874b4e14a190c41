"""Which GPU a page gets, by what the machine has and by what the browser says: on strings, with no GPU at hand."""

import pytest

from harness.errors import TimedOut
from harness_targets.browser import gpu
from harness_targets.browser import target as browser_target
from harness_targets.tfjs.target import TFJSTarget

SOFTWARE = ("--software",)
H100 = "ANGLE (NVIDIA Corporation, NVIDIA H100 80GB HBM3/PCIe, OpenGL ES 3.2 NVIDIA 580.126.16)"


@pytest.fixture(autouse=True)
def auto(monkeypatch):
    for name in (gpu.GPU_VARIABLE, "__EGL_VENDOR_LIBRARY_FILENAMES", "VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(gpu.ctypes.util, "find_library", lambda name: f"lib{name}.so.1")
    monkeypatch.setattr(gpu.sys, "platform", "linux")


@pytest.fixture
def machine(tmp_path):
    """A root with an NVIDIA GPU, its driver, and its files for both loaders."""
    for name, text in {
        "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t NVIDIA H100 80GB HBM3\nIRQ: 1\n",
        "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.126.16  Wed\n",
        "usr/share/glvnd/egl_vendor.d/10_nvidia.json": "{}",
        "etc/vulkan/icd.d/nvidia_icd.json": "{}",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def never(flags):
    pytest.fail("no browser is to be started")


@pytest.mark.parametrize(
    ("renderer", "software"),
    [
        (H100, False),
        ("nvidia hopper", False),
        ("ANGLE (Intel, Mesa Intel(R) UHD Graphics 620 (KBL GT2), OpenGL ES 3.2)", False),
        ("ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)", True),
        ("google swiftshader", True),
        ("llvmpipe (LLVM 15.0.6, 256 bits)", True),
        ("Mesa lavapipe", True),
        ("Microsoft Basic Render Driver", True),
        ("", True),
    ],
)
def test_a_renderers_own_name_says_what_it_is(renderer, software):
    assert gpu.is_software(renderer) is software


def test_without_a_device_no_browser_is_asked(tmp_path):
    found = gpu.select_gpu("webgl", SOFTWARE, never, tmp_path)
    assert (found.flags, found.hardware, found.problem) == (SOFTWARE, False, "")
    assert found.why == "software renderer: no GPU device here (/dev/dri, /dev/nvidia0, /proc/driver/nvidia)"


def test_a_gpu_that_answers_is_taken_and_named_with_its_driver(machine):
    found = gpu.select_gpu("webgl", SOFTWARE, lambda flags: H100, machine)
    assert found.hardware
    assert (found.renderer, found.driver, found.flags) == (H100, "580.126.16", gpu.GPU_BACKEND_FLAGS["webgl"][0][1])
    assert found.why == f"{H100} (ANGLE over EGL)"


@pytest.mark.parametrize(("node", "words"), [("nvidia0", "/dev/nvidia0"), ("dxg", "/dev/dxg")])
def test_a_device_that_proc_and_dri_do_not_list_is_one_too(tmp_path, node, words):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidiactl").touch()  # of the driver, and no GPU
    assert gpu.gpu_device(tmp_path) == ""
    (tmp_path / "dev" / node).touch()
    assert gpu.gpu_device(tmp_path) == words


@pytest.mark.parametrize(("backend", "file"), [("webgl", "libEGL.so.1"), ("webgpu", "libvulkan.so.1")])
def test_a_loader_that_travels_with_the_harness_is_found_without_the_systems_index(machine, monkeypatch, backend, file):
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/nowhere:{machine}")
    assert "no loader" in gpu.missing_part(backend, machine, find=lambda name: None)
    (machine / file).touch()
    assert gpu.missing_part(backend, machine, find=lambda name: None) == ""


def test_software_that_is_asked_for_is_not_second_guessed(machine, monkeypatch):
    monkeypatch.setenv(gpu.GPU_VARIABLE, "software")
    assert not gpu.select_gpu("webgl", SOFTWARE, never, machine).hardware


def test_a_way_that_hangs_is_named_and_the_next_one_tried(machine):
    def ask(flags):
        if "--use-angle=gl-egl" in flags:
            raise TimedOut("Chromium did not answer 'renderer' within 20 s and was killed.")
        return H100

    assert gpu.select_gpu("webgl", SOFTWARE, ask, machine).flags == gpu.GPU_BACKEND_FLAGS["webgl"][1][1]
    found = gpu.select_gpu("webgpu", SOFTWARE, lambda flags: "google swiftshader", machine)
    assert (found.flags, found.why) == (SOFTWARE, "software renderer: Vulkan came to 'google swiftshader'")


def test_where_every_way_hangs_the_software_renderer_says_why(machine):
    def ask(flags):
        raise TimedOut("Chromium did not answer 'renderer' within 20 s and was killed.")

    found = gpu.select_gpu("webgpu", SOFTWARE, ask, machine)
    assert found.why == "software renderer: Vulkan: Chromium did not answer 'renderer' within 20 s and was killed"
    assert not found.problem


def test_a_gpu_that_is_asked_for_by_name_and_not_got_is_a_problem(machine, tmp_path, monkeypatch):
    monkeypatch.setenv(gpu.GPU_VARIABLE, "H100")
    assert gpu.select_gpu("webgl", SOFTWARE, lambda flags: H100, machine).hardware
    monkeypatch.setenv(gpu.GPU_VARIABLE, "Radeon")
    found = gpu.select_gpu("webgpu", SOFTWARE, lambda flags: "nvidia hopper", machine)
    assert not found.hardware
    assert found.problem == (
        "HARNESS_GPU=Radeon asks for a GPU that webgpu did not get: Vulkan came to 'nvidia hopper'."
    )
    found = gpu.select_gpu("webgl", SOFTWARE, never, tmp_path / "nothing")
    assert "did not get: no GPU device here" in found.problem


@pytest.mark.parametrize(
    ("backend", "package", "folder"),
    [("webgl", "libegl1", "usr/share/glvnd/egl_vendor.d"), ("webgpu", "libvulkan1", "etc/vulkan/icd.d")],
)
def test_what_a_driver_lacks_is_named(machine, monkeypatch, backend, package, folder):
    assert gpu.missing_part(backend, machine) == ""
    assert package in gpu.missing_part(backend, machine, find=lambda name: None)
    for file in (machine / folder).iterdir():
        file.unlink()
    assert "no driver file for" in gpu.missing_part(backend, machine)
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES" if backend == "webgl" else "VK_DRIVER_FILES", "/opt/x.json")
    assert gpu.missing_part(backend, machine) == ""


def test_a_render_node_is_a_device_too(tmp_path):
    (tmp_path / "dev/dri").mkdir(parents=True)
    (tmp_path / "dev/dri/renderD128").touch()
    (tmp_path / "sys/class/drm/renderD128/device").mkdir(parents=True)
    (tmp_path / "sys/class/drm/renderD128/device/vendor").write_text("0x1002\n")
    assert gpu.gpu_device(tmp_path) == "renderD128 of vendor 0x1002"
    assert gpu.gpu_driver(tmp_path) == ""


def test_a_gpu_that_was_asked_for_and_not_got_is_not_answered_by_what_the_software_renderer_gave(monkeypatch):
    target = TFJSTarget("tfjs/chromium-webgl", "webgl", ())
    monkeypatch.setattr(browser_target, "gpu_of", lambda *_: gpu.Gpu(SOFTWARE, "software renderer: no GPU device"))
    monkeypatch.setattr(type(target.browser), "version", lambda *_: "Chromium 1")
    before = target.fingerprint()
    monkeypatch.setenv(gpu.GPU_VARIABLE, "Radeon")
    monkeypatch.setattr(browser_target, "gpu_of", lambda *_: gpu.Gpu(SOFTWARE, "", problem="did not get"))
    assert target.fingerprint() == {**before, "gpu_not_got": "Radeon"}
