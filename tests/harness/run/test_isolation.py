"""One model never costs another its result: whatever any step raises ends its own case, with a sentence and a log."""

import signal
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import registry
from harness.cli import running
from harness.errors import (
    BadInput,
    CaseError,
    Crashed,
    Failed,
    HarnessError,
    TimedOut,
    Unavailable,
    UnexpectedError,
    Unsupported,
    as_case_error,
    shortened,
)
from harness.gate.policy import Policy
from harness.process.child import end_with_all
from harness.run.engine import Run
from harness.run.matrix import Case
from harness.run.pool import SilentProgress
from harness.run.results import outcome_of
from harness.run.settings import Settings
from harness.run.timing import NOT_TIMED_YET
from harness.store.record import Outcome
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.raising import CONVERTER_STEPS, TARGET_STEPS, Faults, RaisingConverter, RaisingTarget


class StrangeError(Exception):
    """Not even its text can be had."""

    def __str__(self):
        return "first line\nsecond line"


class MoreThanTimedOut(TimedOut):
    pass


ERRORS = (
    KeyError("x"),
    ValueError(""),
    OSError(28, "No space left on device", "somewhere"),
    MemoryError(),
    RecursionError("too deep"),
    AssertionError(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    StopIteration(),
    SystemExit(3),
    StrangeError(),
    HarnessError("A sentence."),
    CaseError("A sentence of a kind of its own."),
    Failed("A step failed."),
    BadInput("It is no model."),
    Unsupported("No FROBNICATE."),
    Unavailable("A part is missing."),
    Crashed("It died."),
    MoreThanTimedOut("It was stopped after 300 s."),
)
SOUND, FAULTY = "fake/sound", "fake/faulty"


def run_of(folder, monkeypatch, faults, *, converter=None, policy=None, models=("good", "bad"), parity_only=False):
    targets = {SOUND: RaisingTarget(SOUND), FAULTY: RaisingTarget(FAULTY, faults)}
    monkeypatch.setattr(registry, "targets", lambda: targets)
    variant = FAKE_FORMAT.variant("float32")
    cases = [Case(entry(model), FAKE_FORMAT, variant, target) for model in models for target in targets.values()]
    chosen = Settings(
        root=folder,
        cache=folder / "cache",
        results=folder / "results",
        policy=policy or Policy(),
        parity_only=parity_only,
    )
    return Run(cases, chosen, SilentProgress(), converter or FakeConverter(folder / "models"))


def concerned(step, model):
    """The cases that a fault at that step can end: model and target."""
    if step in CONVERTER_STEPS:
        return {(model, SOUND), (model, FAULTY)}
    of_one_model = step not in ("probe", "prepare", "fingerprint")
    return {(one, FAULTY) for one in ("good", "bad") if not of_one_model or one == model}


@pytest.mark.long
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(step=st.sampled_from(CONVERTER_STEPS + TARGET_STEPS), error=st.sampled_from(ERRORS))
def test_whatever_any_step_raises_ends_its_own_case_and_no_other(step, error, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("run")
    faults = Faults(step, error, "bad")
    record = run_of(folder, monkeypatch, faults, converter=RaisingConverter(folder / "models", faults)).execute()
    assert record.status == "complete"
    assert len(record.cases) == 4
    for case in record.cases:
        if (case.model, case.target) not in concerned(step, "bad") or step == "footprint":
            assert case.outcome is Outcome.PASSED, case.reason
            continue
        assert case.outcome is outcome_of(as_case_error(error, "A step"))
        assert case.reason
        assert "\n" not in case.reason
        if not isinstance(error, CaseError):
            assert "Traceback" in (folder / "results" / case.log).read_text()
    notes = [case.measured.note for case in record.cases if case.measured.note]
    assert len(notes) == (step == "footprint")


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (MoreThanTimedOut("stopped"), Outcome.TIMED_OUT),
        (UnexpectedError("raised"), Outcome.CRASHED),
        (type("OwnKind", (Unsupported,), {})("no"), Outcome.UNSUPPORTED),
        (type("OwnPart", (Unavailable,), {})("no"), Outcome.UNAVAILABLE),
        (BadInput("no"), Outcome.FAILED),
        (CaseError("no"), Outcome.FAILED),
    ],
)
def test_a_kind_of_error_has_the_outcome_of_what_it_is_a_kind_of(raised, outcome):
    assert outcome_of(raised) is outcome


def test_an_artifact_whose_inputs_the_golden_lacks_fails_alone(tmp_path, monkeypatch):
    class Renaming(FakeConverter):
        def convert(self, prepared, form, variant):
            artifact = super().convert(prepared, form, variant)
            if prepared.model != "bad":
                return artifact
            (info,) = artifact.inputs
            return artifact.model_copy(update={"inputs": (info.model_copy(update={"name": "x_again"}),)})

    record = run_of(tmp_path, monkeypatch, Faults(), converter=Renaming(tmp_path / "models")).execute()
    assert {(case.model, case.outcome) for case in record.cases} == {
        ("good", Outcome.PASSED),
        ("bad", Outcome.FAILED),
    }
    (reason,) = {case.reason for case in record.cases if case.model == "bad"}
    assert "takes an input 'x_again' that the model does not have (x)" in reason


def test_a_case_that_cannot_be_judged_says_so_and_the_others_are_judged(tmp_path, monkeypatch):
    from harness.run import results

    judge = results.judge_case

    def judge_or_raise(case, *args, **more):
        if case.model == "bad":
            raise ZeroDivisionError("float division by zero")
        return judge(case, *args, **more)

    monkeypatch.setattr(results, "judge_case", judge_or_raise)
    record = run_of(tmp_path, monkeypatch, Faults()).execute()
    for case in record.cases:
        assert case.parity is not None
        assert case.outcome is (Outcome.CRASHED if case.model == "bad" else Outcome.PASSED)
        assert ("Judging raised ZeroDivisionError" in case.reason) == (case.model == "bad")


def test_what_is_of_no_one_case_ends_what_is_not_finished_and_the_record_is_written(tmp_path, monkeypatch):
    from harness.run import timing

    def no_lock(note):
        raise PermissionError(13, "Permission denied", "/tmp/the.lock")

    monkeypatch.setattr(timing, "exclusive_machine", no_lock)
    record = run_of(tmp_path, monkeypatch, Faults("convert.close", OSError("gone"))).execute()
    assert [case.outcome for case in record.cases] == [Outcome.CRASHED] * 4
    assert all("Permission denied" in case.reason for case in record.cases)
    assert all(case.parity is not None for case in record.cases)


def test_measurements_that_cannot_be_kept_are_in_the_record_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "measurements").write_text("a file in the place of the folder")
    record = run_of(tmp_path, monkeypatch, Faults()).execute()
    assert {case.outcome for case in record.cases} == {Outcome.PASSED}


def test_what_nobody_foresaw_is_on_the_dashboard_with_its_log(tmp_path, monkeypatch, capsys):
    faults = Faults("infer", KeyError("x"), "bad")
    record = run_of(tmp_path, monkeypatch, faults).execute()
    assert running.show(record, tmp_path / "results", as_json=False) == []
    assert (tmp_path / "results" / "dashboard.html").is_file()
    printed = " ".join(capsys.readouterr().out.split())
    assert "Comparing outputs raised KeyError: 'x' (raising.py, line" in printed
    assert "logs/bad.float32.fake.faulty.txt)" in printed


def test_a_dashboard_that_cannot_be_made_is_one_sentence_and_the_table_is_there(tmp_path, monkeypatch, capsys):
    record = run_of(tmp_path, monkeypatch, Faults()).execute()
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(running, "write", lambda *args, **more: {}["anchor"])
    (problem,) = running.show(record, tmp_path / "results", as_json=False)
    assert "KeyError: 'anchor'" in problem
    log = Path(problem.rsplit(" ", 1)[1].rstrip("."))
    assert "Traceback" in log.read_text()
    assert "Every case passed" in capsys.readouterr().out


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("finished", [0, 1, 3])
def test_an_interrupted_run_has_every_case_that_was_finished_whatever_else_was_at_work(finished, tmp_path, monkeypatch):
    """Of four cases, compared one after the other, the one behind `finished` hangs until the run is interrupted."""
    names = [f"m{index}" for index in range(4)]
    killed = threading.Event()

    class Child:
        def kill(self):
            killed.set()

    child = Child()
    end_with_all(child)

    class Hanging(RaisingTarget):
        def open(self, artifact, limits=None):
            if artifact.model == names[finished]:
                signal.raise_signal(signal.SIGINT)  # which Python's main thread sees
                assert killed.wait(300)  # as a child process is once the run is interrupted
                raise Crashed("It was ended.")
            return super().open(artifact)

    target = Hanging(FAULTY)
    monkeypatch.setattr(registry, "targets", lambda: {FAULTY: target})
    cases = [Case(entry(name), FAKE_FORMAT, FAKE_FORMAT.variant("float32"), target) for name in names]
    settings = Settings(root=tmp_path, cache=tmp_path / "cache", results=tmp_path / "results", workers=1)
    record = Run(cases, settings, SilentProgress(), FakeConverter(tmp_path / "models")).execute()
    assert record.status == ("interrupted")
    assert [case.model for case in record.cases] == names[:finished]
    assert all(case.outcome is Outcome.PASSED for case in record.cases)
    assert all(case.latency_note == NOT_TIMED_YET for case in record.cases)


def test_a_sentence_is_cut_between_words():
    assert shortened("one two three", 13) == "one two three"
    assert shortened("one two three", 9) == "one two…"
    assert shortened("one, two three", 6) == "one…"
    assert shortened("unbreakable", 6) == "unbre…"
