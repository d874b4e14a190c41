"""What `harness tune` says of what it tried: what to take and why, or what stands in the way, and its mistakes."""

import json
import math
from dataclasses import replace
from unittest import mock

import pytest

from harness import registry
from harness.cli import tuning
from harness.cli.tuning_text import SearchOutcome, sentences, show, to_json
from harness.errors import HarnessError
from harness.tune.attempt import Attempt
from harness.tune.candidates import Candidate
from harness.tune.objective import OBJECTIVES
from harness.variant import READY, Recipe
from tests.harness.fakes.raising import RaisingTarget

INT8 = Candidate(Recipe("int8", 8, "excluded_nodes"))
FLOAT16 = Candidate(Recipe("float16", 16))
MIXED = INT8.leaving(["features/conv/Relu;features/conv/BiasAdd", "head/dense"])
FAILED = Attempt(INT8, "failed", 2048.0, 0.3, 4.0, "a/one: parity.conversion.sqnr_db: off by 12 dB.")
PASSED = Attempt(MIXED, "passed", 3072.0, 0.01, 0.0)
LARGER = Attempt(FLOAT16, "passed", 4096.0, 0.02, 0.0)
REFUSED = Attempt(FLOAT16, "refused", reason="a/two: 'tf.MatrixInverse' op is neither a custom op nor a flex op")


def found(*attempts, best=None, closest=None, complete=True, interrupted=False, **more):
    targets = ("a/one", "a/two")
    return SearchOutcome(
        "kws", targets, OBJECTIVES["size"], attempts, best, closest, 24, complete, interrupted, **more
    )  # fmt: skip


def test_the_recommendation_says_what_is_left_in_float_and_why_nothing_smaller_is_taken():
    said = " ".join(sentences(found(FAILED, PASSED, LARGER, best=PASSED, closest=FAILED)))
    assert (
        "Take int8, 2 operators in float: 3.00 KiB with an error of 1.0 %, the least of 3 tried, 2 of which pass."
        in said
    )
    assert "conv/Relu, head/dense" in said
    assert "the closest is int8: a/one: parity.conversion.sqnr_db: off by 12 dB." in said
    assert "--write NAME" in said


def test_those_that_take_just_as_much_are_named_with_why_the_recommended_one_is():
    """Of a board's memory the activations decide, so that several recipes take the same."""
    alike = Attempt(FLOAT16, "passed", 3072.0, 0.02, 0.0)
    said = " ".join(sentences(found(FAILED, PASSED, alike, LARGER, best=PASSED)))
    assert f"Just as much takes {FLOAT16.label}, none more exact." in said
    assert "Just as much" not in " ".join(sentences(found(FAILED, PASSED, LARGER, best=PASSED)))


def test_the_table_has_every_attempt_with_the_front_marked(capsys):
    show(found(FAILED, PASSED, LARGER, best=PASSED, closest=FAILED), None)
    lines = {line.split("  ")[0].strip() + line: line for line in capsys.readouterr().out.splitlines()}
    marked = {line.strip().split()[0]: line for line in lines.values() if "KiB" in line and "Take" not in line}
    assert "★•" in marked
    assert "passed" in marked["★•"]
    assert any(line.startswith("•") and "failed" in line for line in lines.values()), "smaller and less exact"
    assert any("float16" in line and "•" not in line for line in lines.values()), "larger and less exact"


def test_where_none_passes_the_closest_miss_its_rule_and_the_known_rewrite_are_told():
    said = sentences(found(FAILED, REFUSED, closest=FAILED))
    assert said[0] == "None of 2 tried passes."
    assert said[1] == "The closest is int8: a/one: parity.conversion.sqnr_db: off by 12 dB."
    assert any(step.startswith("Next step: a known rewrite of MatrixInverse") for step in said)
    assert any("custom_operators" in step for step in said)


def test_a_rewrite_is_known_however_the_converter_writes_the_operators_name():
    """As TensorFlow 2.19 lists them."""
    listed = replace(
        REFUSED, reason="Some ops are not supported by the native TFLite runtime (TF Select ops: MatrixInverse)."
    )
    assert any("a known rewrite of MatrixInverse" in step for step in sentences(found(listed)))


def test_a_target_that_took_none_of_them_is_named_with_how_to_search_without(capsys):
    attempts = [replace(FAILED, targets=("a/one",)), replace(REFUSED, targets=("a/one", "a/two"))]
    assert "a/one took none of them: name the others to search without (--target a/two)." in sentences(found(*attempts))
    assert not any("took none" in one for one in sentences(found(attempts[0], replace(REFUSED, targets=("a/two",)))))


def test_a_search_that_was_cut_short_says_so():
    assert "larger --conversions" in " ".join(sentences(found(FAILED, closest=FAILED, complete=False)))
    assert "goes on there" in " ".join(sentences(found(FAILED, closest=FAILED, complete=False, interrupted=True)))


def test_for_a_program_everything_is_there_and_it_is_json_even_where_a_miss_has_no_measure():
    endless = Attempt(FLOAT16, "failed", None, None, math.inf, "a/one: parity.conversion.finite: NaN")
    document = json.loads(to_json(found(PASSED, endless, best=PASSED)))
    assert document["recommended"] == MIXED.name
    assert document["tried"][0]["options"] == MIXED.options
    assert document["tried"][1]["beyond"] is None


class NotReady(RaisingTarget):
    def probe(self):
        from harness.target import Readiness

        return Readiness(False, "the fake runtime", "make fake")


def test_a_named_target_that_is_not_ready_is_a_mistake_and_one_of_the_default_is_left_out(monkeypatch):
    ready, missing = RaisingTarget("fake/ready"), NotReady("fake/missing")
    for target in (ready, missing):
        target.format = "tflite"
    monkeypatch.setattr(registry, "targets", lambda: {target.name: target for target in (ready, missing)})
    with pytest.raises(HarnessError, match="make fake"):
        tuning.chosen_targets(["fake/*"])
    chosen, left_out = tuning.chosen_targets([])
    assert chosen == [ready]
    assert left_out == ["Not ready here, and left out: fake/missing (`harness doctor`)."]


def test_targets_of_two_formats_have_no_artifact_in_common(monkeypatch):
    one, other = RaisingTarget("fake/one"), RaisingTarget("fake/other")
    other.format = "tfjs"
    monkeypatch.setattr(registry, "targets", lambda: {target.name: target for target in (one, other)})
    with pytest.raises(HarnessError, match="several formats"):
        tuning.chosen_targets(["*"])


def test_dear_targets_come_last(monkeypatch):
    board, cheap = RaisingTarget("fake/board"), RaisingTarget("fake/cheap")
    board.slot = "emulator"
    monkeypatch.setattr(registry, "targets", lambda: {target.name: target for target in (board, cheap)})
    assert tuning.chosen_targets(["*"])[0] == [cheap, board]


class TwoTries:
    """Says one thing of the first candidate, and is interrupted by Ctrl-C at the second."""

    artifact_format, bases, objective, targets = None, {}, OBJECTIVES["instructions"], (RaisingTarget("fake/one"),)
    entry, converter = mock.Mock(), mock.Mock()

    def __init__(self, first):
        self.answers = [first, KeyboardInterrupt()]
        self.entry.name = "kws"

    def try_(self, candidate):
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return Attempt(candidate, *answer)


@pytest.fixture
def recipes(monkeypatch):
    monkeypatch.setattr(tuning, "recipes_of", lambda form, bases: (INT8.recipe, FLOAT16.recipe))


def test_ctrl_c_keeps_what_is_known(recipes):
    seen = tuning.run_search(TwoTries(("passed", 100.0, 0.0, 0.0)), (), 24, mock.Mock())
    assert seen.interrupted
    assert [attempt.candidate for attempt in seen.attempts] == [INT8]
    assert seen.best.candidate == INT8


def test_where_no_target_tells_the_figure_the_mistake_is_said_at_once(recipes):
    with pytest.raises(HarnessError, match=r"fake/one does not tell instructions.*boards"):
        tuning.run_search(TwoTries(("passed", None, 0.0, 0.0, "", (), True)), (), 24, mock.Mock())


def test_a_red_on_a_cheap_target_says_nothing_of_what_the_dear_one_tells(recipes):
    """The board, which tells instructions, was never started."""
    seen = tuning.run_search(TwoTries(("failed", None, 0.1, 2.0, "fake/one: too noisy")), (), 24, mock.Mock())
    assert [attempt.verdict for attempt in seen.attempts] == ["failed"]


def test_a_ready_file_that_is_the_best_as_it_was_given_is_not_written_as_a_variant(tmp_path):
    best = Attempt(Candidate(Recipe("ready", 32)), "passed", 100.0, 0.0, 0.0)
    oracle = mock.Mock(variants={"ready": READY})
    assert tuning.write_best_variant(tmp_path, "mine", oracle, found(best, best=best)).startswith("Not written")
    assert not list(tmp_path.iterdir())
    assert not any("--write" in sentence for sentence in sentences(found(best, best=best)))


def test_an_objective_that_there_is_not_is_a_mistake():
    with pytest.raises(HarnessError, match="size, latency, instructions, ram"):
        tuning.tune("kws", [], [], "beauty", 3, None, as_json=False)


@pytest.mark.parametrize("at", ["write_best_variant", "write_dashboard"])
def test_ctrl_c_after_the_search_costs_nothing_of_what_was_found(monkeypatch, tmp_path, capsys, at):
    ended = found(PASSED, best=PASSED)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tuning, "chosen_targets", lambda _: ([mock.Mock(format="tflite")], []))
    entry = mock.Mock()
    entry.name = "kws"
    monkeypatch.setattr(tuning, "model_entries", lambda _: {"kws": entry})
    monkeypatch.setattr(tuning, "run_search", lambda *_: ended)
    monkeypatch.setattr(tuning, "write_dashboard", lambda *_: None)
    monkeypatch.setattr(tuning, "write_best_variant", lambda *_: "Written.")
    monkeypatch.setattr(tuning, "environment", lambda _: None)
    monkeypatch.setattr(tuning, "Converter", mock.Mock())
    monkeypatch.setattr(tuning, at, mock.Mock(side_effect=KeyboardInterrupt))
    assert tuning.tune("kws", [], [], "size", 24, "mine", as_json=False) == 130
    said = capsys.readouterr().out
    assert "Take int8, 2 operators in float" in said
    assert "Interrupted" in said
