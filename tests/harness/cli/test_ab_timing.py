"""What `harness ab` says of a finding, read as a person reads it."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from harness.ab.block_plan import BlockPlan
from harness.ab.decide import Finding
from harness.ab.interleave import Round
from harness.ab.side import Side
from harness.cli import ab_timing
from harness.cli.ab_timing import cautions, timers_in_words, verdict_in_words
from harness.errors import HarnessError
from harness.latency.ratio import Ratio
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.target import FakeTarget, steady

ROUNDS = (Round(np.full(20, 1e6), np.full(20, 1.05e6), 5),)


def ratio(middle, low, high, verdict):
    return Ratio(middle, low, high, 120, 0.02, 0.95, verdict)


SLOWER, ALIKE = ratio(1.051, 1.042, 1.06, "slower"), ratio(1.001, 0.99, 1.01, "alike")
HUGE = ratio(15.63, 14.12, 17.01, "slower")
FOUND = Finding("alike", ALIKE, None, 9.0, ROUNDS)
OPEN = ratio(1.0204, 1.0173, 1.0232, "undecided")


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (
            Finding("slower", SLOWER, SLOWER, 20.0, ROUNDS),
            "slower: +5.1 % (95 % interval +4.2 to +6.0 %), beyond the margin of 2 %; confirmed in fresh processes",
        ),
        (Finding("slower", HUGE, HUGE, 20.0, ROUNDS), "slower: ×15.6 (95 % interval ×14.1 to ×17), beyond"),
        (Finding("alike", ALIKE, None, 9.0, ROUNDS), "alike: +0.1 % (95 % interval -1.0 to +1.0 %), within"),
        (
            Finding("undecided", OPEN, None, 24.0, ROUNDS),
            "undecided: +2.0 % (95 % interval +1.7 to +2.3 %), on both",
        ),
        (
            Finding("undecided", SLOWER, ALIKE, 24.0, ROUNDS),
            "(95 % interval +4.2 to +6.0 %) at first, and +0.1 %",
        ),
    ],
)
def test_a_verdict_says_by_how_much_and_how_sure_it_is(finding, words):
    assert words in verdict_in_words(finding)


@pytest.fixture
def artifact(tmp_path):
    converter = FakeConverter(tmp_path)
    return converter.convert(converter.prepare(entry()), FAKE_FORMAT, FAKE_FORMAT.variant("float32"))


def test_what_differs_between_the_sides_is_named(artifact):
    other = artifact.model_copy(update={"digest": "other"})
    plain, scripted = FakeTarget(), FakeTarget(script={"time": "rubbish"})
    assert Side("a", plain, artifact).changes_to(Side("b", scripted, artifact)) == (
        "script [] → [('time', 'rubbish')]",
    )
    assert Side("a", plain, artifact).changes_to(Side("b", FakeTarget("fake/new"), other)) == (
        "target fake/plain → fake/new",
        f"artifact {artifact.digest[:12]}… (0 bytes) → other… (0 bytes)",
    )


def test_two_models_and_a_software_renderer_are_cautioned_against(artifact):
    plain = Side("old", FakeTarget(), artifact)
    assert cautions(plain, plain, FOUND) == []
    (info,) = artifact.inputs
    wider = artifact.model_copy(update={"inputs": (info.model_copy(update={"shape": (1, 9)}),)})
    assert "other shapes (1×4; 1×9): are they one model?" in cautions(plain, replace(plain, artifact=wider), FOUND)[0]
    drawn = FakeTarget()
    drawn.simulated = True
    assert "software renderer" in cautions(plain, replace(plain, target=drawn), FOUND)[0]
    said = replace(FOUND, rounds=(replace(ROUNDS[0], software=True),))  # of a browser that somebody else started
    assert "software renderer" in cautions(plain, plain, said)[0]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (65_536.0, "by the GPU's own timers, in steps of 65.54 µs, 0.064 of the smaller time"),
        (None, "by the GPU's own timers, which were not seen to move"),
    ],
)
def test_what_gave_the_times_of_kernels_and_how_fine_it_is_is_said(step, words):
    assert timers_in_words(replace(FOUND, rounds=(replace(ROUNDS[0], resolution_ns=step),))) == words


def test_a_file_with_an_input_of_that_name_and_another_shape_gets_noise(artifact):
    (info,) = artifact.inputs
    wider = artifact.model_copy(update={"inputs": (info.model_copy(update={"shape": (1, 9)}),)})
    stored = Side("new", FakeTarget(), wider).stored({"x": np.zeros((2, 1, 4), np.float32)})
    assert stored["x"].shape == (1, 1, 9)
    assert stored["x"].any()


@pytest.fixture
def ab(tmp_path, monkeypatch):
    """`harness ab` on one fake model and two fake targets, the second of which is 7 % slower."""
    targets = {
        "fake/old": FakeTarget("fake/old"),
        "fake/new": FakeTarget("fake/new", samples_ns=steady(median_ns=1_070_000, seed=1)),
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ab_timing.registry, "targets", lambda: targets)
    monkeypatch.setattr(ab_timing.registry, "formats", lambda: {"fake": FAKE_FORMAT})
    monkeypatch.setattr(ab_timing, "model_entries", lambda root: {"double": entry()})
    monkeypatch.setattr(ab_timing, "Converter", lambda *_: FakeConverter(tmp_path))
    monkeypatch.setattr(ab_timing, "DEFAULT_PLAN", BlockPlan(rounds=3, most_rounds=3, blocks=8, seed=1))

    def ab(old, new, **options):
        options = {"as_json": False, **options}
        return ab_timing.time_two_sides("double/float32/fake/old", old, new, 0.02, None, **options), targets

    return ab


@pytest.mark.long
def test_a_slower_new_side_is_exit_code_1_and_the_other_way_round_0(ab, capsys):
    code, _ = ab("now", "fake/new")
    said = capsys.readouterr().out
    assert code == 1
    assert "differs in: target fake/old → fake/new" in said
    assert re.search(r"slower: \+[67]\.\d %", said)
    assert "confirmed in fresh processes" in said
    assert ab("fake/new", "now")[0] == 0
    assert "faster: -6." in capsys.readouterr().out


def test_equal_sides_are_said_to_be_and_never_opened(ab, capsys):
    code, targets = ab("now", "variant=float32")
    assert code == 0
    assert "there is nothing to compare" in capsys.readouterr().out
    assert ab("now", "now", as_json=True)[0] == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "same"
    assert targets["fake/old"].opened == 0


@pytest.mark.long
def test_a_program_reads_the_verdict_and_every_block(ab, capsys):
    ab("now", "fake/new", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["cautions"]) == ("slower", [])
    assert found["changes"] == ["target fake/old → fake/new"]
    assert len(found["rounds"]) == 6
    assert len(found["rounds"][0]["new_ns"]) == 8


def test_a_misspelt_side_is_guessed(ab):
    with pytest.raises(HarnessError, match="Did you mean 'fake/new'"):
        ab("now", "fake/newer")


@pytest.mark.long
def test_what_ends_the_look_at_operators_costs_the_verdict_nothing(ab, capsys, monkeypatch):
    def dies(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(ab_timing, "changed_operators", dies)
    assert ab("now", "fake/new")[0] == 1
    assert "confirmed in fresh processes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "said"),
    [("own_clock", "fake/old has a counter of its own"), ("timed", "fake/new counts and has no GPU's")],
)
def test_kernels_are_not_compared_where_no_gpu_times_them(ab, monkeypatch, kind, said):
    monkeypatch.setattr(FakeTarget, kind, kind == "own_clock")
    with pytest.raises(HarnessError, match=f"{said}.*leave `--kernels` out"):
        ab("now", "fake/new", kernels=True)
