"""A candidate is tried as cases of every target, cheap ones first; their outcomes make the attempt."""

import math
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from harness import registry
from harness.conversion.converter import Reference
from harness.errors import Unsupported
from harness.run.engine import Interrupted
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from harness.store.record import Check, Measured, Outcome
from harness.target import DEFAULT_LIMITS
from harness.tune.candidates import Candidate
from harness.tune.objective import OBJECTIVES
from harness.tune.trial import CaseOracle, attempt_of
from harness.variant import Recipe
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.raising import RaisingSession, RaisingTarget
from tests.harness.gate import made_up

INT8, FLOAT32 = Candidate(Recipe("int8", 8)), Candidate(Recipe("float32", 32))
SIZE = OBJECTIVES["size"]


class NoisyConverter(FakeConverter):
    """Its int8 artifact is far off in the reference interpreter as on every target."""

    def reference(self, prepared, artifact, form):
        if artifact.variant == "float32":
            return super().reference(prepared, artifact, form)
        path = prepared.folder / "noisy.npz"
        with np.load(prepared.golden_path) as golden:
            np.savez(path, y=noisy(golden["in:x"]))
        return Reference("fake reference", path, "noisy")


def noisy(x):
    return 2 * x + np.float32(0.5) * np.sin(40 * x)


class NoisySession(RaisingSession):
    def infer(self, samples):
        return {"y": noisy(samples["x"])} if self.artifact.variant == "int8" else super().infer(samples)


class CountingTarget(RaisingTarget):
    """Computes what the reference does, and counts how often it is opened; `lacks` what `unsupported_operators` says of
    a variant."""

    def __init__(self, name="fake/one", slot="processor", lacks=(), interrupted=False):
        super().__init__(name)
        self.slot, self.lacks, self.interrupted = slot, dict(lacks), interrupted
        self.opened = 0

    def unsupported_operators(self, artifact):
        return self.lacks.get(artifact.variant, ())

    @contextmanager
    def open(self, artifact, limits=DEFAULT_LIMITS):
        if self.interrupted:
            raise KeyboardInterrupt
        self.opened += 1
        yield NoisySession(self, artifact)


@pytest.fixture
def oracle(tmp_path, monkeypatch):
    def oracle(*targets, converter=None):
        monkeypatch.setattr(registry, "targets", lambda: {target.name: target for target in targets})
        settings = Settings(root=tmp_path, cache=tmp_path / "cache", results=tmp_path / "results")
        made = converter or NoisyConverter(tmp_path / "models")
        return CaseOracle(entry(), FAKE_FORMAT, targets, settings, SilentProgress(), made, SIZE)

    return oracle


def test_what_passes_on_every_target_passed(oracle):
    attempt = oracle(CountingTarget("fake/one"), CountingTarget("fake/two")).try_(FLOAT32)
    assert attempt.verdict == "passed"
    assert attempt.beyond == 0.0
    assert attempt.error == pytest.approx(0.0, abs=1e-6)


def test_what_breaks_a_rule_failed_with_the_target_the_rule_and_by_how_much(oracle):
    attempt = oracle(CountingTarget()).try_(INT8)
    assert attempt.verdict == "failed"
    assert attempt.reason.startswith("fake/one: parity.conversion.")
    assert 1.0 < attempt.beyond < math.inf
    assert attempt.error > 0.1


def test_a_red_on_a_cheap_target_costs_no_dear_one_its_start(oracle):
    cheap, dear = CountingTarget("fake/cheap"), CountingTarget("fake/dear", "emulator")
    both = oracle(cheap, dear)
    both.try_(INT8)
    assert (cheap.opened, dear.opened) == (1, 0)
    both.try_(FLOAT32)
    assert dear.opened > 0


def test_a_figure_that_not_every_target_was_asked_for_is_none(oracle):
    """It would be held against the mean of all."""
    both = oracle(CountingTarget("fake/cheap"), CountingTarget("fake/dear", "emulator"))
    assert both.try_(INT8).figure is not None, "bytes are known of any"
    both.objective = replace(SIZE, name="ram")
    failed, passed = both.try_(INT8), both.try_(FLOAT32)
    assert (failed.figure, failed.ran_everywhere) == (None, False)
    assert passed.figure is not None
    assert passed.ran_everywhere


def test_what_one_target_lacks_is_refused_by_name_before_any_other_starts(oracle):
    cheap = CountingTarget("fake/cheap")
    dear = CountingTarget("fake/dear", "emulator", {"int8": ("the operator FROBNICATE",)})
    attempt = oracle(cheap, dear).try_(INT8)
    assert attempt.verdict == "refused"
    assert attempt.reason == "fake/dear: the operator FROBNICATE"
    assert cheap.opened == 0


def test_what_the_converter_refuses_is_refused_in_its_words(oracle, tmp_path):
    refusing = FakeConverter(tmp_path / "models", {("convert", "int8"): Unsupported("there is no int8 of it")})
    attempt = oracle(CountingTarget(), converter=refusing).try_(INT8)
    assert (attempt.verdict, attempt.reason) == ("refused", "there is no int8 of it")


def test_an_interruption_ends_the_search_and_no_converter_is_ended_between_two_candidates(oracle):
    stopped = oracle(CountingTarget(interrupted=True))
    with pytest.raises(Interrupted):
        stopped.try_(FLOAT32)
    assert ("close",) not in stopped.converter.calls


def test_everything_that_was_tried_is_one_record(oracle):
    both = oracle(CountingTarget())
    both.try_(INT8)
    both.try_(FLOAT32)
    assert [case.id for case in both.record().cases] == ["double/int8/fake/one", "double/float32/fake/one"]


def broken(rule, measured, limit):
    return Check.make(rule, rule, passed=False, source="a test", message="off", measured=measured, limit=limit)


def test_of_several_targets_the_one_that_is_furthest_off_is_told():
    near = made_up.case("m/int8/a/near", outcome=Outcome.FAILED, checks=(broken("parity.runtime.peak", 2.0, 1.0),))
    far = made_up.case("m/int8/a/far", outcome=Outcome.FAILED, checks=(broken("parity.runtime.peak", 9.0, 1.0),))
    attempt = attempt_of(INT8, [near, far], SIZE)
    assert attempt.beyond == 9.0
    assert attempt.reason == "a/far: parity.runtime.peak: off"


def test_a_crash_is_a_refusal_and_no_miss():
    crashed = made_up.case("m/int8/a/one", outcome=Outcome.CRASHED, parity=None, reason="it died of SIGSEGV")
    attempt = attempt_of(INT8, [crashed], SIZE)
    assert attempt.verdict == "refused"
    assert attempt.reason == "a/one: crashed: it died of SIGSEGV"


@pytest.mark.parametrize("outcome", [one for one in Outcome if one not in (Outcome.PASSED, Outcome.FAILED)])
def test_no_outcome_but_passed_is_ever_taken_for_one(outcome):
    sound, other = made_up.case("m/int8/a/one"), made_up.case("m/int8/a/two", outcome=outcome, reason="why")
    assert attempt_of(INT8, [sound, other], SIZE).verdict == "refused"


def test_a_step_that_failed_without_a_measurement_is_no_miss_either():
    failed = made_up.case("m/int8/a/one", outcome=Outcome.FAILED, parity=None, reason="it did not load")
    assert attempt_of(INT8, [failed], SIZE).verdict == "refused"


def test_a_figure_of_several_targets_is_their_geometric_mean():
    cases = [made_up.case("m/int8/a/one", measured={"instructions": 100}), made_up.case("m/int8/a/two")]
    cases.append(made_up.case("m/int8/a/three", measured={"instructions": 400}))
    assert OBJECTIVES["instructions"].figure(cases) == pytest.approx(200)
    assert OBJECTIVES["ram"].figure(cases) is None
    assert OBJECTIVES["size"].figure(cases) == 1000


def test_memory_is_what_the_target_calls_so():
    case = made_up.case("m/int8/a/one").model_copy(update={"measured": Measured(figures={"arena_bytes": 64})})
    assert OBJECTIVES["ram"].figure([case]) == pytest.approx(64)
