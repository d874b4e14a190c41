"""The hooks. Loaded by every pytest of an environment that has this package: nothing heavy is imported before use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.pytest_plugin.benchmarking import HarnessBenchmark
    from harness.pytest_plugin.parity_fixture import ParityChecker

PROJECT_FILE = "harness.toml"
FILTERS = ("harness_model", "harness_variant", "harness_target")
NAMED = "harness_tests_were_named"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("harness", "one model across TFLite, TensorFlow.js and microcontroller runtimes")
    group.addoption("--harness", action="store_true", help="Collect a test per case of harness.toml (or of the zoo).")
    for what in ("model", "variant", "target"):
        group.addoption(
            f"--harness-{what}",
            action="append",
            default=[],
            metavar="GLOB",
            help=f"Collect only cases whose {what} matches; implies --harness (repeatable).",
        )
    group.addoption("--harness-latency", action="store_true", help="Measure latencies as well as outputs.")
    group.addoption(
        "--harness-benchmark-json",
        metavar="FILE",
        help="Write the latencies as pytest-benchmark's JSON; implies --harness-latency.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "harness(model, variant, target): a case that `pytest --harness` collected from harness.toml."
    )


def wanted(config: pytest.Config) -> bool:
    """Whether cases are to be collected."""
    return bool(config.getoption("harness") or any(config.getoption(name) for name in FILTERS))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name != PROJECT_FILE or not wanted(parent.config):
        return None
    from harness.pytest_plugin.collection import HarnessFile

    return HarnessFile.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where no argument led to harness.toml (`testpaths` lies elsewhere, or there is no such file and the zoo is
    meant), its cases come first. Before `-k` and `-m` choose, so that they choose among these too."""
    if not wanted(config) or _tests_were_named(config):
        return
    from harness.pytest_plugin.collection import COLLECTED, HarnessFile

    if config.stash.get(COLLECTED, False):
        return
    found = HarnessFile.from_parent(session, path=config.rootpath / PROJECT_FILE).checked()
    items[:0] = found
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(reporter, "_numcollected"):  # else "-9 selected": it counted before these came
        reporter._numcollected += len(found)


def _tests_were_named(config: pytest.Config) -> bool:
    """Whether the command line names tests, other than by `.`; a worker of pytest-xdist, which is always given folders,
    is told."""
    told: dict[str, bool] = getattr(config, "workerinput", {})
    here = config.invocation_params.dir
    all_of_it = any((here / argument).resolve() == config.rootpath for argument in config.args)
    return told.get(NAMED, config.args_source == pytest.Config.ArgsSource.ARGS and not all_of_it)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist is about to start a worker."""
    node.workerinput[NAMED] = _tests_were_named(node.config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """All chosen cases are measured together, as `harness run` does, before the first test: conversions are shared, and
    no test's own time limit is spent on another's work. A worker of pytest-xdist waits until a case's turn comes, as it
    may have other tests to run while another worker measures."""
    config = session.config
    if not wanted(config) or config.option.collectonly or session.testsfailed:
        return
    from harness.pytest_plugin.collection import chosen_cases
    from harness.pytest_plugin.measuring import measure
    from harness.pytest_plugin.sharing import is_worker

    if not is_worker(config):
        for root, cases in chosen_cases(session).items():
            measure(config, root, cases)


@pytest.fixture
def parity(request: pytest.FixtureRequest, tmp_path: Path) -> ParityChecker:
    """`parity.assert_close(model, target="tfjs/chromium-wasm", variant="int8")`: converts a model of one's own, runs it
    there and fails with a sentence where the outputs are further from TensorFlow's than gates.toml allows."""
    from harness.pytest_plugin.parity_fixture import ParityChecker

    return ParityChecker(tmp_path)


@pytest.fixture
def harness_benchmark(request: pytest.FixtureRequest) -> HarnessBenchmark:
    """`harness_benchmark("digits_cnn", variant="int8", target="tflite/litert-xnnpack")`: times a case with the clock of
    its own process, under pytest-benchmark's `benchmark` fixture."""
    from harness.pytest_plugin.benchmarking import HarnessBenchmark

    if not request.config.pluginmanager.hasplugin("benchmark"):
        pytest.skip("pytest-benchmark is not installed; `pip install pytest-benchmark`")
    benchmark: Any = request.getfixturevalue("benchmark")
    return HarnessBenchmark(benchmark)
