"""Fixtures that everything under tests/ may use: the pinned interpreters and the shared models.

Nothing is installed until a test asks. Where a part cannot be had the test is skipped, naming it; in CI, where all of
them can be had, it fails, so that a broken set-up step cannot hide behind skips.
"""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from harness.environment import environment
from harness.errors import Unavailable
from harness.paths import ENVIRONMENTS_VARIABLE, environments_directory

TESTS = Path(__file__).parent
REPOSITORY = TESTS.parent

# For tests that start a child by themselves: which variable names the interpreter of which environment.
INTERPRETERS = {"HARNESS_CONVERTER_PYTHON": "converter", "HARNESS_TFLM_PYTHON": "tflite-micro"}
SHARED_MODELS_VARIABLE = "HARNESS_SHARED_MODELS"


def pytest_configure() -> None:
    # Tests that change directory, or run the command line in a folder of their own, use the same environments.
    os.environ.setdefault(ENVIRONMENTS_VARIABLE, str(environments_directory()))
    for variable, name in INTERPRETERS.items():
        if environment(name).ready():
            os.environ.setdefault(variable, str(environment(name).python()))
    shared = REPOSITORY.parent / "shared" / "models"
    if shared.is_dir():
        os.environ.setdefault(SHARED_MODELS_VARIABLE, str(shared))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the environments whose variables the collected tests, or their conftests, read."""
    if session.config.option.collectonly:
        return
    sources = {source for item in session.items for source in _sources(item.path)}
    for variable, name in INTERPRETERS.items():
        if variable not in os.environ and any(variable in _text(source) for source in sources):
            try:
                os.environ[variable] = str(environment(name).python())
            except Unavailable as error:
                if _in_ci():
                    raise pytest.UsageError(str(error)) from None


def _sources(test: Path) -> Iterator[Path]:
    yield test
    for directory in test.parents:
        if directory == TESTS or not directory.is_relative_to(TESTS):
            return
        yield directory / "conftest.py"


@cache
def _text(source: Path) -> str:
    return source.read_text(encoding="utf-8") if source.is_file() else ""


def _in_ci() -> bool:
    return os.environ.get("CI") == "true"


def _interpreter(name: str) -> Path:
    try:
        return environment(name).python()
    except Unavailable as error:
        if _in_ci():
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def converter_python() -> Path:
    return _interpreter("converter")


@pytest.fixture(scope="session")
def litert_python() -> Path:
    return _interpreter("litert")


@pytest.fixture(scope="session")
def tflite_runtime_python() -> Path:
    return _interpreter("tflite-runtime")


@pytest.fixture(scope="session")
def tflite_micro_python() -> Path:
    return _interpreter("tflite-micro")


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of real models that is not part of the repository."""
    named = os.environ.get(SHARED_MODELS_VARIABLE)
    if named is None or not Path(named).is_dir():
        pytest.skip(f"the shared models: name their folder in {SHARED_MODELS_VARIABLE}")
    return Path(named)
