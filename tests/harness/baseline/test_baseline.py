"""Baselines: small, for review, and the same whatever the order of the run."""

import json
from datetime import UTC, datetime

import pytest

from harness.baseline.accept import accept_run
from harness.baseline.files import read_baseline
from harness.errors import HarnessError
from harness.store.record import Outcome
from tests.harness.gate.made_up import artifact, case, latency, run

ONE, TWO = case("m/float32/tflite/one", latency=latency()), case("m/int8/tflite/one", latency=latency())


def text(folder, model="m"):
    return (folder / f"{model}.json").read_text()


def test_it_is_the_same_file_in_whatever_order_the_cases_come(tmp_path):
    accept_run(run(ONE, TWO), tmp_path / "a")
    accept_run(run(TWO, ONE), tmp_path / "b")
    assert text(tmp_path / "a") == text(tmp_path / "b")


def test_accepting_in_parts_gives_the_same_file_as_at_once(tmp_path):
    accept_run(run(ONE, TWO), tmp_path / "a")
    accept_run(run(TWO, ONE), tmp_path / "b", ["*/int8/*"])
    accept_run(run(TWO, ONE), tmp_path / "b", ["*/float32/*"])
    assert text(tmp_path / "a") == text(tmp_path / "b")


def test_it_comes_back_as_it_was_written(tmp_path):
    accept_run(run(ONE, TWO), tmp_path)
    baseline = read_baseline(tmp_path)
    assert set(baseline.cases) == {ONE.name, TWO.name}
    found = baseline.cases[ONE.name]
    assert found.artifact.digest == ONE.artifact.digest
    assert baseline.run_of(found).machine == "here"
    assert baseline.run_of(found).commit == "c" * 40


def test_a_case_takes_a_screenful_and_no_raw_samples(tmp_path):
    accept_run(run(ONE), tmp_path)
    assert "samples_ns" not in text(tmp_path)
    assert len(text(tmp_path).splitlines()) < 50


def test_a_changed_figure_is_one_changed_line(tmp_path):
    accept_run(run(case(measured={"instructions": 100})), tmp_path, ())
    before = text(tmp_path, "model").splitlines()
    accept_run(run(case(measured={"instructions": 101})), tmp_path, ())
    changed = [line for line in text(tmp_path, "model").splitlines() if line not in before]
    assert len(changed) == 1


def test_measuring_again_is_no_change_to_review(tmp_path):
    accept_run(run(ONE, TWO), tmp_path)
    before = text(tmp_path)
    later = run(ONE.model_copy(update={"latency": latency(1_234_567)}), TWO).model_copy(
        update={"id": "20261121T120000Z-11111111", "started": datetime(2026, 11, 21, tzinfo=UTC)}
    )
    done = accept_run(later, tmp_path)
    assert (done.added, done.changed, len(done.unchanged), done.files) == ([], [], 2, [])
    assert text(tmp_path) == before


def test_a_changed_case_names_its_own_run_and_the_others_keep_theirs(tmp_path):
    accept_run(run(ONE, TWO), tmp_path)
    changed = ONE.model_copy(update={"artifact": artifact(digest="b" * 64)})
    accept_run(run(changed, TWO).model_copy(update={"id": "20261121T120000Z-11111111"}), tmp_path)
    baseline = read_baseline(tmp_path)
    assert baseline.cases[ONE.name].run == "20261121T120000Z-11111111"
    assert baseline.cases[TWO.name].run == "20261120T120000Z-00000000"


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.UNAVAILABLE])
def test_what_is_broken_or_unavailable_keeps_what_was_accepted(tmp_path, outcome):
    accept_run(run(ONE), tmp_path)
    before = text(tmp_path)
    done = accept_run(run(ONE.model_copy(update={"outcome": outcome, "reason": "gone"})), tmp_path)
    assert "gone" in done.left_out[ONE.id]
    assert text(tmp_path) == before


def test_a_broken_case_is_accepted_where_that_is_asked_for(tmp_path):
    done = accept_run(run(ONE.model_copy(update={"outcome": Outcome.FAILED})), tmp_path, failing=True)
    assert done.added == [ONE.id]


def test_a_glob_without_a_case_is_a_mistake(tmp_path):
    with pytest.raises(HarnessError, match=r"matches 'nothing/\*'"):
        accept_run(run(ONE), tmp_path, ["nothing/*"])


@pytest.mark.parametrize("content", ["", "[]", '{"model": "m"}', "\x00", '{"schema_version": 7}'])
def test_a_broken_file_is_one_sentence(tmp_path, content):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(HarnessError, match="is no baseline") as caught:
        read_baseline(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_case_of_an_unknown_run_is_refused(tmp_path):
    accept_run(run(ONE), tmp_path)
    document = json.loads(text(tmp_path))
    document["runs"] = {}
    (tmp_path / "m.json").write_text(json.dumps(document))
    with pytest.raises(HarnessError, match="does not describe it"):
        read_baseline(tmp_path)


def test_a_model_whose_name_leads_elsewhere_is_refused(tmp_path):
    with pytest.raises(HarnessError, match="no file can have"):
        accept_run(run(ONE.model_copy(update={"model": "../elsewhere"})), tmp_path)
