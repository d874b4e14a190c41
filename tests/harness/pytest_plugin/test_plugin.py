"""`pytest --harness` in a project of its own, on the scripted target: what it collects, selects, and says."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import numpy.fft
import pytest
import scipy.special

import harness.exchange.pytest_benchmark
import harness.gate.judge_run
import harness.gate.policy_file
import harness.parity.edges
import harness.project
from harness import registry
from harness.run import engine
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.target import FakeTarget

pytest_plugins = ["pytester"]

LOADED_FIRST = (
    numpy.fft,
    scipy.special,
    hypothesis,
    harness.exchange.pytest_benchmark,
    harness.gate.judge_run,
    harness.gate.policy_file,
    harness.parity.edges,
    harness.project,
)
"""A pytest that runs in this process forgets what was first imported in it: it would take time again at every run,
compiled modules load only once, and what is changed in a module that was forgotten has no effect."""


@pytest.fixture
def project(pytester, monkeypatch, tmp_path):
    """A project whose zoo is one fake model on two fake targets, one of them scripted; runs pytest in it."""

    def project(*arguments, script=None, toml="", ready=True, benchmark=False):
        targets = [FakeTarget("fake/sound"), FakeTarget("fake/other", script or {}, seconds=60, ready=ready)]
        monkeypatch.setattr(registry, "targets", lambda: {target.name: target for target in targets})
        monkeypatch.setattr(registry, "formats", lambda: {"fake": FAKE_FORMAT})
        monkeypatch.setattr("harness.project.model_entries", lambda root: {"double": entry()})
        monkeypatch.setattr(engine, "Converter", lambda *_: FakeConverter(tmp_path / "models"))
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
        if toml is not None:
            pytester.path.joinpath("harness.toml").write_text(toml)
        plugins = () if benchmark else ("-p", "no:benchmark")
        return pytester.runpytest_inprocess(*plugins, *arguments)

    return project


def test_without_the_option_nothing_is_collected(project):
    project().assert_outcomes()


def test_every_case_is_a_test_with_a_readable_id(project):
    result = project("--harness", "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["harness.toml::double/float32/fake/sound PASSED*"])


@pytest.mark.parametrize("arguments", [(), (".",)])
def test_without_a_project_file_the_zoo_is_meant(project, arguments):
    project("--harness", *arguments, toml=None).assert_outcomes(passed=2)


def test_a_named_test_is_run_alone(project, pytester):
    pytester.makepyfile(test_own="def test_own(): pass")
    project("--harness", "test_own.py").assert_outcomes(passed=1)


def test_testpaths_elsewhere_do_not_hide_the_cases(project, pytester):
    pytester.makeini("[pytest]\ntestpaths = tests")
    pytester.mkdir("tests").joinpath("test_own.py").write_text("def test_own(): pass")
    project("--harness").assert_outcomes(passed=3)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--harness-target", "*/sound"),
        ("--harness", "-k", "sound"),
        ("--harness", "-m", "harness(target='fake/sound')"),
        ("--harness", "harness.toml::double/float32/fake/sound"),
    ],
)
def test_cases_are_chosen_by_glob_by_name_by_marker_and_by_id(project, arguments):
    result = project(*arguments, script={"infer": "segfault"})
    assert result.parseoutcomes()["passed"] == 1
    assert "failed" not in result.parseoutcomes()


def test_only_what_was_chosen_is_measured(project):
    result = project("--harness", "-k", "sound", "-v")
    result.stdout.fnmatch_lines(["harness: Converting and comparing (5) …"])
    result.stdout.no_fnmatch_line("*fake/other*")


def test_a_failure_is_short_and_tells_how_far_off(project):
    result = project("--harness", script={"infer": "offset:0.5"})
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "  parity.runtime.sqnr_db (runtime.y.sqnr_db):*dB short of the 80 dB*",
            "  again: harness run --model double *",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*plugin.py*")


def test_a_crash_is_a_failure_of_its_case_alone(project):
    result = project("--harness", script={"infer": "segfault"})
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*died of SIGSEGV*"])


def test_what_is_not_installed_or_not_supported_is_skipped_with_its_reason(project):
    result = project("--harness", "-rs", ready=False)
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*unavailable: the fake runtime is missing; make fake*"])
    project("--harness", script={"infer": "refuse"}).assert_outcomes(passed=1, skipped=1)


def test_a_glob_without_a_match_is_one_sentence(project):
    result = project("--harness-model", "nonsense")
    assert result.ret != 0
    (result.stdout if "nonsense" in result.stdout.str() else result.stderr).fnmatch_lines(
        ["*No model matches 'nonsense'; there are double*"]
    )


def test_the_policy_of_the_project_counts(project, pytester):
    pytester.path.joinpath("gates.toml").write_text(
        '[[exceptions]]\ncase = "double/*"\nrule = "parity.*"\nreason = "known for years"\nexpires = 2999-01-01'
    )
    project("--harness", script={"infer": "offset:0.5"}).assert_outcomes(passed=2)


def test_a_broken_policy_is_one_sentence_for_each_case(project, pytester):
    pytester.path.joinpath("gates.toml").write_text("speed = 3")
    result = project("--harness")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*the key 'speed' is not known*"])


def test_latencies_are_written_for_pytest_benchmark(project, pytester):
    project("--harness", "--harness-benchmark-json", "latencies.json").assert_outcomes(passed=2)
    found = json.loads(pytester.path.joinpath("latencies.json").read_text())["benchmarks"]
    assert {case["name"] for case in found} == {"double/float32/fake/sound", "double/float32/fake/other"}


@pytest.mark.parametrize(("script", "outcome"), [({}, "passed"), ({"infer": "offset:0.5"}, "failed")])
def test_the_parity_fixture_holds_a_model_to_the_policy(project, pytester, script, outcome):
    pytester.makepyfile("def test_mine(parity): parity.assert_close('double', target='fake/other')")
    result = project(script=script)
    result.assert_outcomes(**{outcome: 1})
    if outcome == "failed":
        result.stdout.fnmatch_lines(["E*double (float32) on fake/other:*", "E*parity.runtime.sqnr_db: *"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("'double', target='fake/none'", "There is no target 'fake/none'; there are fake/sound"),
        ("'double', target='fake/soudn'", "Did you mean 'fake/sound'?"),
        ("'mine/treble.keras', target='fake/sound'", "There is no model file /"),
        ("'treble', target='fake/sound'", "'treble' is neither a path nor a model"),
        ("'double', target='fake/sound', variant='int3'", "has no variant 'int3'"),
        ("object(), target='fake/sound'", "is no Keras model and no path"),
    ],
)
def test_a_mistake_in_a_call_of_the_parity_fixture_is_one_sentence(project, pytester, call, words):
    pytester.makepyfile(f"def test_mine(parity): parity.assert_close({call})")
    result = project()
    result.assert_outcomes(failed=1)
    assert words in result.stdout.str()
    result.stdout.no_fnmatch_line("*During handling*")


def test_loading_the_plugin_imports_nothing_heavy(pytester):
    pytester.makepyfile(
        """
        import sys
        def test_light():
            heavy = {"numpy", "pydantic", "scipy", "harness.run.engine", "harness.project"} & set(sys.modules)
            assert not heavy, heavy
        """
    )
    pytester.runpytest_subprocess("-p", "no:benchmark", "-p", "no:hypothesispytest").assert_outcomes(passed=1)


@pytest.mark.parametrize("toml", ["", None])
def test_a_mistake_in_the_choice_is_said_once(project, toml):
    result = project("--harness-model", "nonsense", toml=toml)
    assert result.ret != 0
    said = result.stdout.str() + result.stderr.str()
    assert said.count("No model matches 'nonsense'") == 1
    assert "Traceback" not in said


def test_a_misspelt_target_is_guessed(project):
    result = project("--harness-target", "fake/soudn")
    assert "Did you mean 'fake/sound'?" in result.stdout.str() + result.stderr.str()


def test_collecting_converts_and_runs_nothing(project):
    result = project("--harness", "--collect-only", "-q", script={"infer": "segfault"})
    assert result.ret == 0
    result.stdout.fnmatch_lines(["harness.toml::double/float32/fake/sound", "*2 tests collected*"])
    result.stdout.no_fnmatch_line("*Converting and comparing*")


IN_A_PROCESS_OF_ITS_OWN = """
    import os
    from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
    from tests.harness.fakes.target import FakeTarget
    from harness import registry
    from harness.run import engine
    import pathlib

    slow = {"infer": "hang"} if "HARNESS_FAKE_HANG" in os.environ else {}
    targets = [FakeTarget(f"fake/{name}", slow, seconds=60) for name in ("one", "two", "three", "four")]
    registry.targets = lambda: {target.name: target for target in targets}
    registry.formats = lambda: {"fake": FAKE_FORMAT}
    import harness.project
    harness.project.model_entries = lambda root: {"double": entry()}
    engine.Converter = lambda *_: FakeConverter(pathlib.Path(os.environ["HARNESS_CACHE"]) / "models")
"""


@pytest.fixture
def own_process(pytester, monkeypatch, tmp_path):
    """A folder whose conftest.py puts fakes in place of the zoo, for pytest as a command."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    pytester.makeconftest(IN_A_PROCESS_OF_ITS_OWN)
    return pytester


@pytest.mark.parametrize("toml", ["", None])
@pytest.mark.long
def test_workers_of_xdist_measure_once_between_them(own_process, toml):
    if toml is not None:
        own_process.path.joinpath("harness.toml").write_text(toml)
    result = own_process.runpytest_subprocess("--harness", "-p", "no:benchmark", "-n", "2")
    result.assert_outcomes(passed=4)
    assert len(list(own_process.path.joinpath("results", "runs").glob("*.json"))) == 1


@pytest.mark.long
def test_an_interrupt_ends_the_session_and_keeps_what_was_measured(own_process, monkeypatch):
    monkeypatch.setenv("HARNESS_FAKE_HANG", "1")
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # what it says is read at once without it
    command = [sys.executable, "-m", "pytest", "--harness", "-p", "no:benchmark"]

    def listen():  # a shell starts what it puts into the background deaf to Ctrl-C, and children inherit that
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, cwd=own_process.path, stdout=subprocess.PIPE, text=True, preexec_fn=listen
    ) as running:
        said = ""
        for line in running.stdout:
            said += line
            if "Converting and comparing" in line:
                running.send_signal(signal.SIGINT)
        assert running.wait(60) == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in said
    assert "INTERNALERROR" not in said
    (record,) = own_process.path.joinpath("results", "runs").glob("*.json")
    assert '"status":"interrupted"' in record.read_text()


@pytest.fixture
def benchmarked(project, pytester, monkeypatch, tmp_path):
    """Runs pytest on one test that times a case under pytest-benchmark's fixture."""
    # In a process of pytest-xdist's, pytest-benchmark would keep no figures.
    for variable in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(variable, raising=False)

    def benchmarked(model, target, *arguments, **how):
        monkeypatch.setattr("harness.conversion.converter.Converter", lambda *_: FakeConverter(tmp_path / "models"))
        pytester.makepyfile(f"""
            def test_timed(harness_benchmark):
                harness_benchmark({model!r}, variant="float32", target={target!r}, rounds=50)
        """)
        return project(*arguments, benchmark=True, **how)

    return benchmarked


def test_a_case_under_the_benchmark_fixture_has_the_times_of_its_own_process(benchmarked, pytester):
    benchmarked("double", "fake/sound", "--benchmark-json", "out.json").assert_outcomes(passed=1)
    (found,) = json.loads(pytester.path.joinpath("out.json").read_text())["benchmarks"]
    assert found["extra_info"]["case"] == "double/float32/fake/sound"
    assert found["stats"]["median"] == pytest.approx(0.001, rel=0.05)
    assert found["stats"]["rounds"] == 50


def test_a_mistake_under_the_benchmark_fixture_is_one_sentence(benchmarked):
    result = benchmarked("dubble", "fake/sound")
    result.assert_outcomes(failed=1)
    assert "There is no model 'dubble'; there are double. Did you mean 'double'?" in result.stdout.str()
    result.stdout.no_fnmatch_line("*HarnessError*")
    benchmarked("double", "fake/other", ready=False).assert_outcomes(skipped=1)
