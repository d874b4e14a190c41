"""Parts that these tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness_targets.mcu.host import HostKernels
from tests.parts import MCU_BUILDS

from .micro_interpreter import MicroInterpreter


@pytest.fixture(scope="session")
def build_cache() -> Path:
    return MCU_BUILDS


@pytest.fixture(scope="session")
def host_kernels(build_cache: Path) -> HostKernels:
    return HostKernels(build_cache)


@pytest.fixture(scope="session")
def firmware_compiler() -> None:
    """Asking for it says that firmware is built."""


@pytest.fixture(scope="session")
def qemu(firmware_compiler: None) -> str:
    return "qemu"


@pytest.fixture(scope="session")
def renode(firmware_compiler: None) -> str:
    return "renode"


@pytest.fixture(scope="session")
def tflm_host(tflite_micro_python: Path) -> Iterator[MicroInterpreter]:
    interpreter = MicroInterpreter(tflite_micro_python)
    yield interpreter
    interpreter.close()
