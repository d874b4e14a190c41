"""`harness ab` where nothing has a clock: instructions, old against new, exact to the digit."""

import json
from contextlib import contextmanager

import pytest

from harness.ab.counting import Counted
from harness.cli import ab_timing
from harness.cli.ab_instructions import change_in_words
from harness.errors import HarnessError, Unsupported
from harness.target import DEFAULT_LIMITS, Footprint, Readiness, Session, Target
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.target import FakeTarget


class CountedSession(Session):
    def __init__(self, footprint):
        self.counted = footprint

    def infer(self, samples):
        return {}

    def time(self, samples, plan):
        raise Unsupported("no clock")

    def footprint(self):
        return self.counted


class CountingTarget(Target):
    """An emulator: no clock, and instructions that are exact unless a reason says otherwise."""

    format = "fake"
    default_variants = ("float32",)
    timed = False

    def __init__(self, name, instructions, reason=""):
        self.name = name
        figures = {} if instructions is None else {"instructions": instructions}
        self.figures = Footprint(
            figures, frozenset() if reason else frozenset(figures), details={"instructions": reason} if reason else {}
        )

    def probe(self):
        return Readiness(True)

    def fingerprint(self):
        return {"name": self.name}

    @contextmanager
    def open(self, artifact, limits=DEFAULT_LIMITS):
        yield CountedSession(self.figures)


@pytest.fixture
def ab(tmp_path, monkeypatch):
    targets = {
        target.name: target
        for target in (
            CountingTarget("fake/old", 100_000),
            CountingTarget("fake/new", 100_100),
            CountingTarget("fake/same", 100_000),
            CountingTarget("fake/restless", 100_900, "not exact: from 100900 to 101000"),
            CountingTarget("fake/uncounted", None, "not counted: this QEMU takes no plugin"),
            FakeTarget("fake/timed"),
        )
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ab_timing.registry, "targets", lambda: targets)
    monkeypatch.setattr(ab_timing.registry, "formats", lambda: {"fake": FAKE_FORMAT})
    monkeypatch.setattr(ab_timing, "model_entries", lambda root: {"double": entry()})
    monkeypatch.setattr(ab_timing, "Converter", lambda *_: FakeConverter(tmp_path))
    return lambda new, margin=None, **options: ab_timing.time_two_sides(
        "double/float32/fake/old", "now", new, margin, None, **{"as_json": False, **options}
    )


def test_a_thousandth_more_is_a_finding_without_any_interval(ab, capsys):
    assert ab("fake/new") == 1
    said = capsys.readouterr().out
    assert "more: +100 instructions (+0.10 %), exact" in said
    assert "100,100 instructions" in said
    assert "Instructions are not time" in said


def test_a_margin_that_is_named_holds(ab, capsys):
    assert ab("fake/new", 0.01) == 0
    assert "alike: +100 instructions (+0.10 %), exact, within the margin of 1 %" in capsys.readouterr().out


def test_equal_counts_are_equal_to_the_digit(ab, capsys):
    assert ab("fake/same") == 0
    assert "alike: 100,000 instructions on both sides, exact" in capsys.readouterr().out


def test_a_count_that_is_not_exact_is_held_to_what_times_are_held_to(ab, capsys):
    assert ab("fake/restless") == 0
    said = capsys.readouterr().out
    assert "not exact, within the margin of 2 %" in said
    assert "! fake/restless: not exact: from 100900 to 101000." in said


def test_a_program_reads_both_figures(ab, capsys):
    ab("fake/new", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["exact"], found["margin"]) == ("more", True, 0.0)
    assert (found["old"]["instructions"], found["new"]["instructions"]) == (100_000, 100_100)


def test_what_counts_nothing_says_why(ab):
    with pytest.raises(Unsupported, match="no figure to compare: not counted: this QEMU takes no plugin"):
        ab("fake/uncounted")


def test_a_clock_and_a_counter_are_not_compared(ab):
    with pytest.raises(HarnessError, match="compare like with like"):
        ab("fake/timed")


def test_multiples_are_written_as_such():
    assert change_in_words(Counted(100, 350, True, 0.0)) == "+250 instructions (×3.5), exact"
    assert change_in_words(Counted(100, 50, True, 0.0)) == "-50 instructions (-50.00 %), exact"
