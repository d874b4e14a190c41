"""The real parts that tests need, by the names that `pytest.mark.needs` takes.

A part that can be installed is installed when the first test asks for it. Where it cannot be had the tests that need it
are skipped, naming it; in CI, where every installable part can be had, they fail, so that a broken set-up step cannot
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
from harness_targets.browser import display
from harness_targets.browser.browsers import WEBKIT
from harness_targets.litertjs.bundles import BUNDLE as LITERTJS
from harness_targets.mcu.emulator.renode import find_renode
from harness_targets.mcu.toolchain import device_compiler, host_compiler
from harness_targets.tfjs import bundles
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
    installable: bool = True
    """Whether CI is expected to have it: its absence there is a failure."""


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
    if programs() is None:
        return "PostgreSQL is not installed: apt-get install postgresql"
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed: uv pip install 'psycopg[binary]'"
    return ""


def _sanitisers() -> str:
    compiler = _of(host_compiler)() or str(host_compiler()[0])
    command = [compiler, "-fsanitize=address,undefined", "-x", "c", "-", "-o", os.devnull]
    try:
        done = subprocess.run(command, input="int main(void) { return 0; }", text=True, capture_output=True, timeout=60)
    except OSError:
        return compiler
    return "" if done.returncode == 0 else f"{compiler} has no sanitisers"


def _shared_models() -> str:
    there = shared_models_folder().is_dir()
    return "" if there else f"the shared models: name their folder in {SHARED_MODELS_VARIABLE}"


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
    "firefox": Part(_program("firefox-esr", "firefox-esr"), installable=False),
    "webkit": Part(_webkit, installable=False),
    "pdftotext": Part(_program("pdftotext", "poppler-utils"), installable=False),
    "firmware-compiler": Part(_of(device_compiler)),
    "c-compiler": Part(_of(host_compiler)),
    "sanitisers": Part(_sanitisers, installable=False),
    "c++-compiler": Part(_program("g++", "g++"), installable=False),
    "arm-gcc": Part(_program("arm-none-eabi-gcc", "gcc-arm-none-eabi"), installable=False),
    "qemu": Part(_program("qemu-system-arm", "qemu-system-arm")),
    "renode": Part(_of(find_renode), installable=False),
    "postgresql": Part(_postgresql, installable=False),
    "shared-models": Part(_shared_models, installable=False),
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


def _part(name: str) -> Part:
    return PARTS[name] if name in PARTS else Part(lambda: _target(name), installable=False)


def _target(name: str) -> str:
    readiness = registry.targets()[name].probe()
    return "" if readiness.ready else f"{readiness.missing}: {readiness.install}"


@cache
def missing(name: str) -> str:
    """Why a part, or a target by its name, cannot be had here; empty where it can."""
    return _part(name).missing()


def require(name: str) -> None:
    """Skip the test where a part cannot be had, or fail it in CI where it ought to be."""
    problem = missing(name)
    if not problem:
        return
    if _part(name).installable and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing in CI: {problem}", pytrace=False)
    pytest.skip(f"{name}: {problem}")
