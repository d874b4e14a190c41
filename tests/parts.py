"""The real parts that tests need, by the names that `pytest.mark.needs` takes.

A part that can be installed is installed when the first test asks for it. Where it cannot be had the tests that need it
are skipped, naming it; in CI they fail for each part that CI's set-up installs, so that a set-up step that broke cannot
hide behind skips.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from harness import registry
from harness.environment import Environment, environment
from harness.errors import Unavailable
from harness.installation.interpreter import own_version
from harness_targets.browser import display
from harness_targets.browser.browsers import WEBKIT
from harness_targets.litertjs.bundles import BUNDLE as LITERTJS
from harness_targets.mcu.emulator.renode import find_renode
from harness_targets.mcu.micro.library import named_library
from harness_targets.mcu.toolchain import device_compiler, host_compiler
from harness_targets.tfjs import bundles
from harness_targets.tflite.arm import counter, qemu
from tests.harness.store.postgres import programs

REPOSITORY = Path(__file__).parents[1]
MCU_BUILDS = REPOSITORY / ".harness" / "firmware"
"""Kept between runs, and the same that commands use (tests/caches.py): builds are named after their sources and
tools."""
SHARED_MODELS_VARIABLE = "HARNESS_SHARED_MODELS"


@dataclass(frozen=True)
class Part:
    """`missing` says in one sentence why the part cannot be had here, or nothing; it installs what it can."""

    missing: Callable[[], str]
    expected_in_ci: bool = True
    """Whether CI's set-up installs it, from Debian, PyPI or npm: its absence there is a failure."""


def shared_models_folder() -> Path:
    """The folder of real models that is not part of the repository; it need not exist."""
    return Path(os.environ.get(SHARED_MODELS_VARIABLE) or REPOSITORY.parent / "shared" / "models")


def _of(ask: Callable[[], object]) -> Callable[[], str]:
    """Have `ask` install or find a part; what it raises says why there is none."""

    def missing() -> str:
        try:
            ask()
        except Unavailable as error:
            return str(error)
        return ""

    return missing


def _environment(name: str) -> Part:
    return Part(_of(lambda: environment(name).python()))


def newer_converter() -> Environment:
    """That of a variant that names TensorFlow 2.21 as its converter."""
    return Environment.from_pins("converter-of-its-own", ("tensorflow==2.21.0",))


def _program(name: str, package: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(name) else f"{name} is not on PATH: apt-get install {package}"


def _webkit() -> str:
    lacking = WEBKIT.missing() or display.missing()
    return f"{lacking} is missing: apt-get install webkit2gtk-driver xvfb" if lacking else ""


def _postgresql() -> str:
    return "PostgreSQL is not installed: apt-get install postgresql" if programs() is None else ""


def _sanitisers() -> str:
    if lacking := _of(host_compiler)():
        return lacking
    compiler = str(host_compiler()[0])
    command = [compiler, "-fsanitize=address,undefined", "-x", "c", "-", "-o", os.devnull]
    done = subprocess.run(command, input="int main(void) { return 0; }", text=True, capture_output=True, timeout=60)
    return "" if done.returncode == 0 else f"{compiler} has no sanitisers: apt-get install gcc"


def _arm_gcc() -> str:
    tools = ("arm-none-eabi-gcc", "arm-none-eabi-g++", "arm-none-eabi-ar")
    lacking = next((tool for tool in tools if shutil.which(tool) is None), "")
    packages = "gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib"
    return f"{lacking} is not on PATH: apt-get install {packages}" if lacking else ""


def _instruction_counter() -> str:
    """Debian 13's QEMU is linked statically, so that it takes no plugin."""
    target = "tflite/arm64-cortex-a76"
    if lacking := missing(target):
        return f"{target}: {lacking}"
    counted = counter.counter() is not None
    return "" if counted else f"this {qemu.PROGRAM} takes no plugin that counts instructions; that of Debian 12 does"


def _micro_headers() -> str:
    how = "git clone https://github.com/tensorflow/tflite-micro, and name the clone in TFLM_INCLUDE"
    return "" if os.environ.get("TFLM_INCLUDE") else f"there are no headers of TensorFlow Lite Micro: {how}"


def _micro_library() -> str:
    """One that is named is taken as it is: that it cannot be used is for the tests to say."""
    return "" if os.environ.get("TFLM_LIB") else _of(named_library)()


def _shared_models() -> str:
    folder = shared_models_folder()
    what = "the models of MLPerf Tiny and the like, which are no part of the repository"
    return "" if folder.is_dir() else f"{what}, are not in {folder}: name their folder in {SHARED_MODELS_VARIABLE}"


def _model_explorer() -> str:
    there = importlib.util.find_spec("model_explorer")
    return "" if there else "Model Explorer is not installed: uv pip install ai-edge-model-explorer==0.1.34"


PARTS = {
    "converter": _environment("converter"),
    "tensorflow-2.21": Part(_of(lambda: newer_converter().python())),
    "litert": _environment("litert"),
    "quantizer": _environment("quantizer"),
    "tflite-runtime": _environment("tflite-runtime"),
    "tflite-micro": _environment("tflite-micro"),
    "tfjs": Part(_of(bundles.install)),
    "litertjs": Part(_of(LITERTJS.install)),
    "node": Part(_program("node", "nodejs")),
    "chromium": Part(_program("chromium", "chromium")),
    "firefox": Part(_program("firefox-esr", "firefox-esr")),
    "webkit": Part(_webkit),
    "pdftotext": Part(_program("pdftotext", "poppler-utils")),
    "firmware-compiler": Part(_of(device_compiler)),
    "c-compiler": Part(_of(host_compiler)),
    "sanitisers": Part(_sanitisers),
    "c++-compiler": Part(_program("g++", "g++")),
    "arm-gcc": Part(_arm_gcc, expected_in_ci=False),
    "zig": _environment("zig"),
    "package-index": Part(_of(lambda: Environment.from_pins("smallest", ("mdurl==0.1.2",), (own_version(),)).python())),
    "git": Part(_program("git", "git")),
    "bash": Part(_program("bash", "bash")),
    "setpriv": Part(_program("setpriv", "util-linux")),
    "qemu": Part(_program("qemu-system-arm", "qemu-system-arm")),
    "renode": Part(_of(find_renode), expected_in_ci=False),
    "postgresql": Part(_postgresql),
    "instruction-counter": Part(_instruction_counter),
    "micro-headers": Part(_micro_headers, expected_in_ci=False),
    "micro-library": Part(_micro_library, expected_in_ci=False),
    "shared-models": Part(_shared_models, expected_in_ci=False),
    "model-explorer": Part(_model_explorer, expected_in_ci=False),
}


_OF_TARGETS = {
    "tflite/tensorflow": ("converter",),
    "tflite/tflite-runtime": ("tflite-runtime",),
    "tflite/litert-": ("litert",),
    "tflm/": ("tflite-micro",),
    "tfjs/chromium-": ("tfjs", "chromium"),
    "tfjs/firefox-": ("tfjs", "firefox"),
    "litertjs/chromium-": ("litertjs", "chromium"),
    "litertjs/firefox-": ("litertjs", "firefox"),
    "tfjs/webkit-": ("tfjs", "webkit"),
    "litertjs/webkit-": ("litertjs", "webkit"),
    "mcu/qemu-": ("firmware-compiler", "qemu"),
    "mcu/renode-": ("firmware-compiler", "renode"),
}


def on_target(name: str, *values: object) -> ParameterSet:
    """A parameter, the target's name unless `values` are given, that needs what this target needs: the parts it is
    known to, or else whatever the target says that it lacks."""
    needed = next((found for prefix, found in _OF_TARGETS.items() if name.startswith(prefix)), (name,))
    if name.endswith("-tflm"):  # and the user's own library
        needed = (*needed, name)
    return pytest.param(*(values or (name,)), marks=pytest.mark.needs(*needed), id=None if values else name)


_TARGETS_EXPECTED_IN_CI = ("tflite/arm64-cortex-a53", "tflite/arm64-cortex-a76")
"""Of the targets that are asked for by name, these and what begins so: all else hangs on the machine's graphics, on a
newer QEMU or on a user's own library."""


def part(name: str) -> Part:
    """That of `PARTS`, or a target by its name."""
    if name in PARTS:
        return PARTS[name]
    return Part(_of(lambda: _make_ready(name)), expected_in_ci=name.startswith(_TARGETS_EXPECTED_IN_CI))


def _make_ready(name: str) -> None:
    target = registry.targets()[name]
    target.require()
    target.prepare()


@cache
def missing(name: str) -> str:
    """Why a part, or a target by its name, cannot be had here; empty where it can."""
    return part(name).missing()


def require(name: str) -> None:
    """Skip the test where a part cannot be had, or fail it in CI where it ought to be."""
    problem = missing(name)
    if not problem:
        return
    if part(name).expected_in_ci and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing in CI: {problem}", pytrace=False)
    pytest.skip(f"{name}: {problem}")
