"""Fixtures and rules that everything under tests/ may use; see tests/README.md.

One run has one artifact cache, whichever processes share its tests: what one converts the others find.
"""

import contextlib
import gc
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import hypothesis
import psutil
import pytest
from xdist.scheduler import LoadScopeScheduling

from harness import budget, registry
from harness.artifact import Artifact
from harness.cache import Cache
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.paths import ENVIRONMENTS_VARIABLE, environments_directory
from harness.project import model_entries
from harness.run import exclusive
from tests import caches, parts
from tests.kept_converters import converters_kept

TESTS = Path(__file__).parent
hypothesis.settings.register_profile("any-load", deadline=None)  # load of the machine is no fault
hypothesis.settings.load_profile("any-load")
KEPT_TOGETHER = ("tests/harness/assess/", "tests/targets/tfjs/test_layers")
"""Files that share what is dear to make, beginning so: one process runs them all."""
BYTES_EACH = 3 * 10**9
RUN_VARIABLE = "HARNESS_TEST_RUN"
PROVIDED = {
    "converter_python": ("converter",),
    "litert_python": ("litert",),
    "tflite_runtime_python": ("tflite-runtime",),
    "tflite_micro_python": ("tflite-micro",),
    "shared_models": ("shared-models",),
    "cluster": ("postgresql",),
    "host_kernels": ("c-compiler",),
    "firmware_compiler": ("firmware-compiler",),
    "qemu": ("qemu",),
    "renode": ("renode",),
}
"""What asking for a fixture says that a test needs: it is marked so without further words."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="exhaustive sweeps whole, not a seeded sample of them")


def pytest_configure(config: pytest.Config) -> None:
    # Tests that change directory, or run the command line in a folder of their own, use the same environments.
    os.environ.setdefault(ENVIRONMENTS_VARIABLE, str(environments_directory()))
    # A busy machine must not decide how many samples a test compares.
    os.environ.setdefault(budget.VARIABLE, "600")
    os.environ.pop("COLUMNS", None)  # how wide a table is printed is no matter of the terminal that tests run in
    if RUN_VARIABLE not in os.environ:  # the processes of pytest-xdist find the folder of the one that starts them
        folder = Path(tempfile.mkdtemp(prefix="harness-tests-"))
        os.environ[RUN_VARIABLE] = str(folder)
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        config.add_cleanup(lambda: os.environ.pop(RUN_VARIABLE))


def run_folder() -> Path:
    """A folder that all processes of this run share, gone at its end."""
    return Path(os.environ[RUN_VARIABLE])


def pytest_xdist_auto_num_workers() -> int:
    """Two processes to a core and one more, since a test waits half of its time, for a browser, an emulator or a time
    limit; as far as there is memory, for each may hold a TensorFlow and a browser."""
    return max(1, min(2 * (os.cpu_count() or 1) + 1, psutil.virtual_memory().available // BYTES_EACH))


class FilesTogether(LoadScopeScheduling):
    """Gives a process whole files of tests, since what a file shares is made once a process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((prefix for prefix in KEPT_TOGETHER if file.startswith(prefix)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FilesTogether:
    return FilesTogether(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only `--all` runs. Files that need more real parts come first: the many quick ones fill up the
    end, when processes run dry."""
    for item in items:
        for name in PROVIDED.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.needs(*PROVIDED[name]))
    if not config.getoption("--all"):
        chosen = chosen_of_sweeps(items)
        left_out = [item for item in items if item.get_closest_marker("sweep") and item not in chosen]
        config.hook.pytest_deselected(items=left_out)
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
    needed: dict[Path, set[str]] = {}
    for item in items:
        needed.setdefault(item.path, set()).update(needs(item))
    items.sort(key=lambda item: -len(needed[item.path]))


def pytest_collection_finish() -> None:
    gc.freeze()  # thousands of tests and modules stay to the end: nobody needs to look at them again and again


def chosen_of_sweeps(items: list[pytest.Item]) -> set[pytest.Item]:
    """The tests of each sweep that an ordinary run takes: as many as its mark says, the same ones at every run. They
    have every function of a series and every value of every parameter among them, where they are enough for that."""
    sweeps: dict[str, list[pytest.Item]] = {}
    for item in items:
        if mark := item.get_closest_marker("sweep"):
            series = mark.kwargs.get("series") or item.nodeid.partition("[")[0]
            sweeps.setdefault(series, []).append(item)
    chosen: set[pytest.Item] = set()
    for name, found in sweeps.items():
        keep = found[0].get_closest_marker("sweep").args[0]
        waiting, seen = random.Random(name).sample(found, len(found)), set()
        for _ in range(min(keep, len(found))):
            taken = max(waiting, key=lambda item: (("", item.function) not in seen, len(values_of(item) - seen)))
            waiting.remove(taken)
            chosen.add(taken)
            seen |= values_of(taken)
    return chosen


def values_of(item: pytest.Item) -> set[tuple[str, object]]:
    """Its function, with name and value of each of its parameters."""
    return {("", item.function), *((name, repr(value)) for name, value in item.callspec.params.items())}


def needs(item: pytest.Item) -> set[str]:
    """The parts that a test says it needs."""
    return {name for mark in item.iter_markers("needs") for name in mark.args}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    option = item.config.getoption
    if option("benchmark_skip") and not option("benchmark_only") and "benchmark" in getattr(item, "fixturenames", ()):
        return  # pytest-benchmark skips it: nothing is installed for it, nor missed
    for name in sorted(needs(item)):
        parts.require(name)


@pytest.fixture(scope="session")
def draws(pytestconfig: pytest.Config) -> Callable[[int, int], range]:
    """`draws(few, all)`: the seeds of random examples within a test, all of them with `--all`. The first are always
    taken, so that what an ordinary run finds it finds again."""
    return lambda few, everything: range(everything if pytestconfig.getoption("--all") else few)


@pytest.fixture(scope="session", autouse=True)
def kept_converters() -> Iterator[None]:
    with converters_kept():
        yield


@pytest.fixture(scope="session", autouse=True)
def timing_lock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A timing lock of this process's own. Processes would wait for each other, though no test is about how long
    something took; and for every other run on the machine."""
    folder = tmp_path_factory.mktemp("timing-lock")
    with mock.patch.object(exclusive, "tempfile", SimpleNamespace(gettempdir=lambda: str(folder))):
        yield


@pytest.fixture(scope="session")
def converter_python() -> Path:
    return environment("converter").python()


@pytest.fixture(scope="session")
def litert_python() -> Path:
    return environment("litert").python()


@pytest.fixture(scope="session")
def tflite_runtime_python() -> Path:
    return environment("tflite-runtime").python()


@pytest.fixture(scope="session")
def tflite_micro_python() -> Path:
    return environment("tflite-micro").python()


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of MLPerf Tiny's models and the like, which are not part of the repository. A test of any real model
    takes one of the zoo too (`zoo_artifact`), which every clone has."""
    return parts.shared_models_folder()


@pytest.fixture(scope="session")
def made_once() -> Callable[[str, Callable[[Path], object]], Path]:
    """`made_once(name, make)`: a folder of this run that `make` fills in one of its processes, and no test changes."""
    return lambda name, make: caches.made_once(run_folder() / name, make)


@pytest.fixture(scope="session")
def shared_cache() -> Path:
    """The `HARNESS_CACHE` of this run, for a test that neither damages nor counts what is in it."""
    with contextlib.suppress(FileExistsError):
        caches.new_cache(run_folder() / "cache")
    return run_folder() / "cache"


@pytest.fixture(scope="session")
def new_cache(shared_cache: Path) -> Callable[[Path], Path]:
    """Make a `HARNESS_CACHE` that knows no measurement; its artifacts are the run's, which nobody may change."""

    def new_cache(folder: Path) -> Path:
        caches.new_cache(folder)
        (shared_cache / "artifacts").mkdir(exist_ok=True)
        (folder / "artifacts").symlink_to(shared_cache / "artifacts")
        return folder

    return new_cache


@pytest.fixture(scope="session")
def zoo_artifact(converter: Converter) -> Callable[[str, str], Artifact]:
    """`zoo_artifact(model, variant)`: a model of the zoo as a .tflite."""
    models, form = model_entries(Path(__file__).parents[1]), registry.formats()["tflite"]
    return lambda model, variant: converter.convert(converter.prepare(models[model]), form, form.variant(variant))


@pytest.fixture(scope="session")
def converter(converter_python: Path, shared_cache: Path) -> Iterator[Converter]:
    """The engine's converter with the run's cache. Its child, which holds TensorFlow, starts once a process and runs
    each job in a fork, so that no test sees another's."""
    made = Converter(Cache(shared_cache / "artifacts"), environment("converter"), 1)
    yield made
    made.close()
