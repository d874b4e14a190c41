"""Parts that these tests share; each that cannot be had skips the tests that need it, by name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import Unavailable
from harness_targets.mcu.emulator.renode import find_renode
from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.toolchain import device_compiler, host_compiler

from .micro_interpreter import MicroInterpreter

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def build_cache() -> Path:
    """Kept between runs: builds are named after their sources and tools."""
    return REPOSITORY / ".harness" / "mcu-build"


@pytest.fixture(scope="session")
def host_kernels(build_cache: Path) -> HostKernels:
    try:
        host_compiler()
    except Unavailable as missing:
        pytest.skip(str(missing))
    return HostKernels(build_cache)


@pytest.fixture(scope="session")
def firmware_compiler() -> None:
    try:
        device_compiler()
    except Unavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def qemu(firmware_compiler: None) -> str:
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not on the PATH")
    return "qemu"


@pytest.fixture(scope="session")
def renode(firmware_compiler: None) -> str:
    try:
        find_renode()
    except Unavailable as missing:
        pytest.skip(str(missing))
    return "renode"


@pytest.fixture(scope="session")
def tflm_host() -> Iterator[MicroInterpreter]:
    python = os.environ.get("HARNESS_TFLM_PYTHON")
    if not python:
        pytest.skip("HARNESS_TFLM_PYTHON names no interpreter with tflite-micro")
    interpreter = MicroInterpreter(Path(python))
    yield interpreter
    interpreter.close()


@pytest.fixture(scope="session")
def shared_models() -> Path:
    folder = Path(os.environ.get("HARNESS_SHARED_MODELS") or REPOSITORY.parent / "shared" / "models")
    if not folder.is_dir():
        pytest.skip(f"the shared models are not at {folder}")
    return folder
