"""The reference is checked as well: outvoted where it is wrong, replaced where it cannot run, never its own judge."""

from dataclasses import replace

import numpy as np
import pytest

from harness import registry
from harness.cli.running import exit_code
from harness.conversion.reference import Reference
from harness.gate.notices import notices
from harness.gate.policy import ParityRule, Policy
from harness.parity.conditions import conditions
from harness.run.engine import Run
from harness.run.matrix import Case
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from harness.store.record import Outcome
from harness.variant import READY
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.target import FakeTarget

FORMAT = replace(FAKE_FORMAT, alternative_references=(("fake/plain", "fake/other"), ("fake/micro",)))


class Converter(FakeConverter):
    """Its reference multiplies by `factor`; `target`: the target that it is, if it is one."""

    def __init__(self, folder, factor=2, alternatives=None, target="", ready=False):
        super().__init__(folder)
        self.factor, self.alternatives, self.target, self.ready = factor, alternatives or {}, target, ready

    def convert(self, prepared, form, variant):
        made = super().convert(prepared, form, variant)
        return made.model_copy(update={"variant": READY.name}) if self.ready else made

    def reference(self, prepared, artifact, form):
        path = prepared.folder / "reference.npz"
        with np.load(prepared.golden_path) as golden:
            np.savez(path, y=self.factor * golden["in:x"])
            if self.ready:
                inputs = golden["in:x"]
                np.savez(prepared.golden_path, **{"in:x": inputs, "out:y": self.factor * inputs})
        return Reference(self.target or "the usual", path, f"reference {self.factor} {self.target}", self.target)


@pytest.fixture
def execute(tmp_path, monkeypatch):
    def execute(converter, *targets, policy=None, there=("plain", "other", "micro")):
        known = [*targets, *(FakeTarget(f"fake/{name}") for name in there)]
        monkeypatch.setattr(registry, "targets", lambda: {target.name: target for target in reversed(known)})
        variant = READY if converter.ready else FORMAT.variant("float32")
        cases = [Case(entry(), FORMAT, variant, target) for target in targets]
        settings = Settings(tmp_path, tmp_path / "cache", tmp_path / "results", parity_only=True)
        if policy is not None:
            settings = replace(settings, policy=policy)
        return Run(cases, settings, SilentProgress(), converter).execute()

    return execute


def test_a_wrong_reference_is_outvoted_and_named_and_the_sound_runtime_passes(execute, tmp_path):
    converter = Converter(tmp_path / "models", factor=3, alternatives={"fake/other": 2, "fake/micro": 2})
    record = execute(converter, FakeTarget("fake/mine"))
    (case,) = record.cases
    assert case.outcome is Outcome.PASSED
    assert (case.parity.yardstick, case.parity.reference) == ("outvoted", "fake/other")
    assert "The reference interpreter (the usual) is wrong here: fake/other, fake/micro" in case.parity.yardstick_note
    assert any(check.rule == "parity.reference" for check in case.checks)
    assert case.parity.yardstick_note in conditions(case.parity)
    said = notices(record, Policy(), _no_baseline(), set(), record.started.date())
    assert any("fake/mine" in notice and "is wrong here" in notice for notice in said)


def test_a_ready_model_has_no_other_golden_than_the_majority(execute, tmp_path):
    alternatives = {"fake/other": 2, "fake/micro": 2}
    record = execute(Converter(tmp_path / "models", 3, alternatives, ready=True), FakeTarget("fake/mine"))
    (case,) = record.cases
    assert (case.outcome, case.parity.yardstick) == (Outcome.PASSED, "outvoted")
    assert case.parity.conversion[0].max_abs == 0


def test_a_target_that_is_wrong_as_the_reference_is_fails_against_the_majority(execute, tmp_path):
    converter = Converter(tmp_path / "models", 3, {"fake/other": 2, "fake/micro": 2})
    record = execute(converter, FakeTarget("fake/mine"), FakeTarget("fake/wrong", {"infer": "offset:0.5"}))
    assert [case.outcome for case in record.cases] == [Outcome.PASSED, Outcome.FAILED]


def test_a_wrong_target_is_not_excused_and_the_reference_is_said_to_be_confirmed(execute, tmp_path):
    converter = Converter(tmp_path / "models", 2, {"fake/other": 2, "fake/micro": 2})
    (case,) = execute(converter, FakeTarget("fake/mine", {"infer": "offset:0.5"})).cases
    assert (case.outcome, case.parity.yardstick) == (Outcome.FAILED, "confirmed")


def test_where_nobody_can_tell_the_case_fails_and_the_doubt_is_said(execute, tmp_path):
    converter = Converter(tmp_path / "models", 3, {"fake/other": 2}, ready=True)
    (case,) = execute(converter, FakeTarget("fake/mine")).cases
    assert (case.outcome, case.parity.yardstick) == (Outcome.FAILED, "disputed")
    assert "nothing decides" in case.parity.yardstick_note


def test_nobody_else_is_asked_where_nothing_disagrees(execute, tmp_path):
    converter = Converter(tmp_path / "models", 2, {"fake/other": 2})
    execute(converter, FakeTarget("fake/mine"))
    assert not [call for call in converter.calls if call[0] == "opinion"]


def test_a_target_that_stands_in_for_the_reference_is_named_and_does_not_judge_itself(execute, tmp_path):
    alternatives = {"fake/plain": 2, "fake/other": 2}
    record = execute(
        Converter(tmp_path / "models", 2, alternatives, target="fake/plain"),
        FakeTarget("fake/plain"),
        FakeTarget("fake/mine"),
    )
    assert [(case.outcome, case.parity.reference) for case in record.cases] == [
        (Outcome.PASSED, "fake/other"),
        (Outcome.PASSED, "fake/plain"),
    ]
    assert all(case.parity.yardstick == "stand-in" for case in record.cases)


def test_a_model_that_one_runtime_alone_runs_is_unmeasured_which_is_neither_green_nor_red(execute, tmp_path):
    converter = Converter(tmp_path / "models", 2, {"fake/plain": 2}, target="fake/plain", ready=True)
    record = execute(converter, FakeTarget("fake/plain"))
    (case,) = record.cases
    assert case.outcome is Outcome.UNMEASURED
    assert "No other runtime at hand runs this model" in case.reason
    assert case.parity.runtime == ()
    assert exit_code(record) == 0


def to_the_byte(of):
    """A policy that holds fake/mine to the bytes of another target."""
    rules = (("max_lsb", 0, of), ("sqnr_db", 150, ""))
    return Policy().with_rules(
        *(
            ParityRule(
                edge="runtime", metric=metric, limit=limit, bytes_of=name, target="fake/mine", source="its kernels"
            )
            for metric, limit, name in rules
        )
    )


@pytest.mark.parametrize(
    ("off", "there", "outcome"),
    [
        ("1e-5", ("plain", "other"), Outcome.UNMEASURED),
        ("0.5", ("plain", "other"), Outcome.FAILED),
        ("1e-5", ("plain", "other", "micro"), Outcome.FAILED),
    ],
)
def test_bytes_that_cannot_be_asked_for_make_no_case_red_which_any_two_runtimes_would_pass(
    execute, tmp_path, off, there, outcome
):
    """A fused LSTM on a board, without tflm/host: Micro's bytes are others than those of the reference kernels."""
    alternatives = {f"fake/{name}": 2 for name in there}
    mine = FakeTarget("fake/mine", {"infer": f"offset:{off}"})
    (case,) = execute(
        Converter(tmp_path / "models", 2, alternatives), mine, policy=to_the_byte("fake/micro"), there=there
    ).cases
    assert case.outcome is outcome
    if outcome is Outcome.UNMEASURED:
        assert "is held to the bytes of fake/micro, which cannot be asked" in case.reason


def _no_baseline():
    from harness.baseline.files import Baseline

    return Baseline({}, {}, {})
