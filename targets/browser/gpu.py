"""Which GPU a page has: found on this machine, tried once in the browser, and named by the browser's own words.

Flags only ask. What a page's renderer or adapter calls itself decides whether a GPU does the work, so that a software
renderer never passes for one; where one was asked for by name and is not got, that is a failure and no fallback.
"""

from __future__ import annotations

import ctypes.util
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CaseError

GPU_VARIABLE = "HARNESS_GPU"
AUTO, SOFTWARE = "auto", "software"
TRIAL_SECONDS = 20.0
"""A browser answers within 5 s or, over ANGLE's Vulkan on some machines, never (docs/measured-facts.md)."""

_SOFTWARE_NAMES = re.compile(r"swiftshader|llvmpipe|softpipe|lavapipe|software|basic render", re.IGNORECASE)
_IGNORED = "--ignore-gpu-blocklist"
GPU_BACKEND_FLAGS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "webgl": (
        ("ANGLE over EGL", ("--use-gl=angle", "--use-angle=gl-egl", _IGNORED)),
        ("ANGLE over Vulkan", ("--use-gl=angle", "--use-angle=vulkan", "--enable-features=Vulkan", _IGNORED)),
    ),
    "webgpu": (
        (
            "Vulkan",
            (
                "--enable-unsafe-webgpu",
                "--enable-features=Vulkan",
                _IGNORED,
                "--use-angle=vulkan",
                "--disable-vulkan-surface",
            ),
        ),
    ),
}
"""Backend → name and Chromium's flags of each way to a GPU, in the order in which they are tried."""
_ON_MACOS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "webgl": (("ANGLE over Metal", ("--use-angle=metal", _IGNORED)),),
    "webgpu": (("Metal", ("--enable-unsafe-webgpu", _IGNORED)),),
}
_LOADERS = {"webgl": ("EGL", "libegl1", "libEGL"), "webgpu": ("vulkan", "libvulkan1", "libvulkan")}
"""Backend → the name of the loader's library, Debian's package of it, what people call it."""
_DRIVER_FILES = {
    "webgl": ("usr/share/glvnd/egl_vendor.d", "etc/glvnd/egl_vendor.d"),
    "webgpu": ("usr/share/vulkan/icd.d", "etc/vulkan/icd.d"),
}
"""Backend → folders below the root in which a driver is registered with the loader."""
_POINTERS = {"webgl": ("__EGL_VENDOR_LIBRARY_FILENAMES",), "webgpu": ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")}
"""Backend → the environment variables that point its loader to a driver."""


@dataclass(frozen=True)
class Gpu:
    """What a backend runs on. `flags`: flags of the browser's command line. `renderer`: the browser's name for the
    GPU, empty for the software renderer. `why`: how this one was chosen. `problem`: a GPU was asked for and not
    obtained."""

    flags: tuple[str, ...]
    why: str
    renderer: str = ""
    driver: str = ""
    problem: str = ""

    @property
    def hardware(self) -> bool:
        """Whether a GPU does the work."""
        return bool(self.renderer)


def wanted_gpu() -> str:
    """`auto`, `software`, or a part of a GPU's name."""
    return os.environ.get(GPU_VARIABLE, "").strip() or AUTO


def is_software(renderer: str) -> bool:
    """Whether a renderer's or an adapter's name is a software rasteriser's; one without a name is taken for one."""
    return not renderer.strip() or bool(_SOFTWARE_NAMES.search(renderer))


def gpu_device(root: Path = Path("/")) -> str:
    """The GPU that the system has, in its own words; empty where there is none."""
    for information in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        for line in _text(information).splitlines():
            if line.startswith("Model:"):
                return line.removeprefix("Model:").strip()
    nodes = sorted((root / "dev/dri").glob("renderD*"))
    if nodes:
        vendor = _text(root / "sys/class/drm" / nodes[0].name / "device/vendor").strip()
        return f"{nodes[0].name}{f' of vendor {vendor}' if vendor else ''}"
    # A sandbox may show the device alone; `dxg` is the one of Windows, below its Linux.
    for node in (*sorted((root / "dev").glob("nvidia[0-9]*")), root / "dev/dxg"):
        if node.exists():
            return f"/dev/{node.name}"
    return "this Mac's GPU" if sys.platform == "darwin" else ""


def gpu_driver(root: Path = Path("/")) -> str:
    """The version of NVIDIA's kernel module; empty for other drivers, whose version the renderer's name carries."""
    found = re.search(r"\b\d+\.\d+(\.\d+)?\b", _text(root / "proc/driver/nvidia/version"))
    return found.group(0) if found else ""


def missing_part(backend: str, root: Path = Path("/"), find: Callable[[str], str | None] | None = None) -> str:
    """What keeps a page from a GPU, as far as that can be told without a browser; empty if nothing."""
    if not gpu_device(root):
        return "no GPU device here (/dev/dri, /dev/nvidia0, /proc/driver/nvidia)"
    if sys.platform == "darwin":
        return ""
    library, package, called = _LOADERS[backend]
    if (find or ctypes.util.find_library)(library) is None and not _on_library_path(f"lib{library}.so.1"):
        return f"a GPU device, and no loader {called} ({package})"
    registered = any(list((root / folder).glob("*.json")) for folder in _DRIVER_FILES[backend])
    if not registered and not any(os.environ.get(name) for name in _POINTERS[backend]):
        return f"a GPU device, and no driver file for {called} below /{_DRIVER_FILES[backend][0]}"
    return ""


def _on_library_path(file: str) -> bool:
    """Whether a browser that is started from here finds a library where the system's index does not have it."""
    return any((Path(folder) / file).exists() for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":") if folder)


def select_gpu(
    backend: str, software: tuple[str, ...], ask: Callable[[tuple[str, ...]], str], root: Path = Path("/")
) -> Gpu:
    """What a backend runs on. `software`: the flags of the software renderer; `ask` starts the browser with flags and
    gives what the page calls its renderer, and raises a `CaseError` where none answers in time."""
    asked = wanted_gpu()
    if asked == SOFTWARE:
        return Gpu(software, f"software renderer: {GPU_VARIABLE}={SOFTWARE}")
    tried: list[str] = []
    ways = (_ON_MACOS if sys.platform == "darwin" else GPU_BACKEND_FLAGS)[backend]
    if missing := missing_part(backend, root):
        tried, ways = [missing], ()
    for way, flags in ways:
        try:
            renderer = ask(flags)
        except CaseError as error:
            tried.append(f"{way}: {str(error).rstrip('.')}")
            continue
        if is_software(renderer):
            tried.append(f"{way} came to '{renderer or 'no renderer'}'")
        elif asked != AUTO and asked.lower() not in renderer.lower():
            tried.append(f"{way} came to '{renderer}'")
        else:
            return Gpu(flags, f"{renderer} ({way})", renderer, gpu_driver(root))
    why = "; ".join(tried)
    if asked == AUTO:
        return Gpu(software, f"software renderer: {why}")
    return Gpu(software, why, problem=f"{GPU_VARIABLE}={asked} asks for a GPU that {backend} did not get: {why}.")


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
