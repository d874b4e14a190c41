"""What work took last time decides its order, and nothing that is measured."""

import json

import pytest

from harness.case_name import CaseName
from harness.run.costs import USUAL_SECONDS, StepDurations, in_words
from harness.run.estimate import estimate
from harness.run.matrix import Case, Selection, cases
from tests.harness.fakes.converter import FAKE_FORMAT, entry
from tests.harness.fakes.target import FakeTarget

NAME = CaseName("double", "float32", "fake/plain")


def test_what_a_case_took_is_known_to_the_next_run(tmp_path):
    costs = StepDurations(tmp_path)
    costs.learn(f"compare {NAME}", 7.5)
    costs.keep()
    again = StepDurations(tmp_path)
    assert again.knows(NAME)
    assert again.of_case(NAME, FakeTarget()) == 7.5


def test_a_new_model_is_taken_to_cost_what_the_targets_others_did(tmp_path):
    costs = StepDurations(tmp_path)
    for model, seconds in (("one", 1.0), ("two", 3.0), ("three", 20.0)):
        costs.learn(f"compare {model}/float32/fake/plain", seconds)
    costs.keep()
    assert StepDurations(tmp_path).of_case(NAME, FakeTarget()) == 3.0


def test_what_came_from_a_cache_teaches_nothing(tmp_path):
    costs = StepDurations(tmp_path)
    costs.learn("convert double", 0.01)
    costs.keep()
    assert not costs.path.exists()


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"compare x": "soon"}', '{"compare x": null}'])
def test_a_damaged_file_costs_a_worse_guess_and_no_run(tmp_path, text):
    (tmp_path / "costs.json").write_text(text)
    assert StepDurations(tmp_path).of_case(NAME, FakeTarget()) == USUAL_SECONDS["processor"]


def test_a_software_renderer_is_expected_to_be_slow(tmp_path):
    quick, rendered = FakeTarget("fake/quick"), FakeTarget("fake/rendered")
    quick.slot = rendered.slot = "browser"
    rendered.simulated = True
    costs = StepDurations(tmp_path)
    assert costs.of_case(NAME, rendered) > costs.of_case(NAME, quick)


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (40, "40 s"), (170, "3 min"), (7500, "2 h 5 min")])
def test_a_forecast_is_said_in_round_figures(seconds, words):
    assert in_words(seconds) == words


def test_an_estimate_adds_up_and_names_the_slowest_of_a_target(tmp_path):
    (tmp_path / "costs.json").write_text(json.dumps({"compare double/int8/fake/plain": 40.0}))
    target = FakeTarget()
    chosen = [Case(entry(), FAKE_FORMAT, FAKE_FORMAT.variant(name), target) for name in ("float32", "int8")]
    found = estimate(chosen, StepDurations(tmp_path), parity_only=True)
    assert found.timing_seconds == 0.0
    assert found.cases[0] == ("double/int8/fake/plain", 40.0, True)
    assert found.cases[1][2] is False
    assert found.by_target() == {"fake/plain": (2, found.comparison_seconds, "double as int8")}
    timed = estimate(chosen, StepDurations(tmp_path), parity_only=False)
    assert timed.wall_seconds > found.wall_seconds


def test_cases_that_are_left_out_are_not_in_the_matrix():
    targets = {name: FakeTarget(name) for name in ("fake/plain", "fake/slow")}
    selection = Selection(without=("*/*/fake/slow",))
    found = cases(selection, {"double": entry()}, targets, {FAKE_FORMAT.name: FAKE_FORMAT})
    assert {case.target.name for case in found} == {"fake/plain"}
