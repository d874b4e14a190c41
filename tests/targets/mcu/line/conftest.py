"""The firmware that serves a line, as a program of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.toolchain import build_host_server


@pytest.fixture(scope="session")
def job_server(host_kernels: HostKernels, build_cache: Path) -> Path:
    return build_host_server(build_cache)
