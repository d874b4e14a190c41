"""What stands on the screen while a run goes on."""

import pytest

from harness.cli import progress as module
from harness.cli.progress import MOST_LINES, ConsoleProgress
from harness.run.schedule import ScheduleStatus
from harness.store.record import Outcome


@pytest.fixture
def piped(monkeypatch):
    """A line at each look."""
    monkeypatch.setattr(module, "LINE_SECONDS", -1.0)
    monkeypatch.setattr("rich.console.Console.is_terminal", False)
    with ConsoleProgress() as progress:
        progress.stage("Comparing", 9)
        yield progress


def status():
    return ScheduleStatus(2, 9, (("Comparing a/int8/tflite/x", 3.0),), 60.0)


def test_how_many_cases_passed_is_there_before_the_run_is_over(piped, capsys):
    piped.update(status())
    for outcome, final in ((Outcome.PASSED, False), (Outcome.PASSED, False), (Outcome.UNSUPPORTED, True)):
        piped.ended("a/int8/tflite/x", outcome, "", final=final)
    piped.update(status())
    before, after = capsys.readouterr().err.splitlines()
    assert before == "2 of 9 steps; about 60 s left; Comparing a/int8/tflite/x"
    assert after == "2 of 9 steps; 2 passed, 1 unsupported; about 60 s left; Comparing a/int8/tflite/x"


def test_what_went_wrong_for_good_is_told_at_once_and_what_is_looked_at_again_is_counted_alone(piped, capsys):
    piped.ended("a/int8/tflite/x", Outcome.CRASHED, "it died of SIGSEGV.", final=True)
    piped.ended("a/int8/tflite/y", Outcome.FAILED, "SQNR 3 dB", final=False)
    piped.update(status())
    told, line = capsys.readouterr().err.splitlines()
    assert told == "☇ a/int8/tflite/x: it died of SIGSEGV."
    assert "1 crashed, 1 to be looked at again" in line


def test_a_run_in_which_all_goes_wrong_says_so_in_some_lines(piped, capsys):
    for number in range(3 * MOST_LINES):
        piped.ended(f"a/{number}", Outcome.TIMED_OUT, "no answer", final=True)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "Others went wrong, too."


def test_on_a_terminal_one_line_below_the_bars_says_how_the_cases_stand_and_what_is_being_done(monkeypatch, capsys):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    with ConsoleProgress() as progress:
        progress.stage("Converting and comparing", 9)
        progress.step("Setting up x")
        assert progress._shown().renderables[1].plain == "Setting up x"
        progress.ended("a/int8/tflite/x", Outcome.PASSED, "", final=False)
        progress.update(status())
        progress.step("Setting up y")
        line = "1 passed; about 60 s left; Comparing a/int8/tflite/x"
        assert progress._shown().renderables[1].plain == line
    shown = capsys.readouterr().err
    assert "2/9" in shown
    assert "Comparing a" not in shown.splitlines()[-1], "the line is gone when all is over"
