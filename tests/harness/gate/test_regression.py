"""When the gate times a case against its baseline, and what follows from each verdict."""

from hashlib import sha256

import numpy as np
import pytest

from harness.ab.by_operator import OperatorRatio
from harness.ab.decide import Finding
from harness.ab.interleave import Round
from harness.artifact import CustomLibrary
from harness.cache import Cache
from harness.conversion.choices import CustomOperators
from harness.conversion.model_entry import ModelEntry
from harness.conversion.source import Source
from harness.errors import Crashed, Unavailable
from harness.gate.judge_run import judge_run
from harness.gate.policy import LatencyRule, Policy, RatioBudget
from harness.gate.regression import RegressionTimer
from harness.latency.ratio import Ratio
from tests.harness.fakes.target import FakeTarget
from tests.harness.gate.made_up import ELSEWHERE, artifact, baseline, case, latency, run, tflite


class Altered(FakeTarget):
    """A fake whose version can be changed."""

    def __init__(self, version="2"):
        super().__init__("tflite/one")
        self.version = version

    def fingerprint(self):
        return {"runtime": self.version}

    def with_fingerprint(self, changes):
        return Altered(changes["runtime"])


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path)


@pytest.fixture
def kept(cache):
    """An artifact that is in the cache, as the record has it."""

    def kept(key, content="same bytes"):
        def write(folder):
            (folder / "model.tflite").write_text(content)
            return {"entry": "model.tflite", "inputs": [], "outputs": [], "operators": {}}

        entry = cache.make("converted", key, write)
        return artifact(digest=entry.digest, key=key)

    return kept


class Judge:
    def __init__(self, cache):
        self.cache, self.asked, self.plans = cache, [], []

    def __call__(self, now, before, verdict="alike", ratio=1.0, policy=None, machine=None, half=0.01, inside=None):
        def compare(old, new, inputs, plan):
            self.asked.append((old, new))
            self.plans.append(plan)
            figures = Ratio(ratio, ratio - half, ratio + half, 120, plan.margin, 0.95, verdict)
            return Finding(verdict, figures, figures if verdict == "slower" else None, 1.0, ())

        accepted = baseline(before, **({"machine": machine} if machine else {}))
        stopwatch = RegressionTimer(
            self.cache, {"tflite/one": Altered()}, compare=compare, find_changed_operators=inside or (lambda *_: ())
        )
        result = judge_run(run(now), policy or Policy(), accepted, tflite, stopwatch=stopwatch)
        (check,) = [check for check in result.verdicts[0].checks if check.rule == "latency.regression"]
        return check


@pytest.fixture
def judge(cache):
    return Judge(cache)


def timed(artifact, runtime="2"):
    return case(artifact=artifact, fingerprint={"runtime": runtime}, latency=latency())


def test_equal_hashes_need_no_timing_not_even_on_another_machine(judge, kept):
    one = kept("k1")
    check = judge(timed(one), timed(one), machine=ELSEWHERE)
    assert check.passed
    assert "nothing to time" in check.message
    assert judge.asked == []


def test_where_only_the_measuring_code_differs_nothing_is_timed(cache, kept):
    class Page(FakeTarget):
        """A browser whose page is part of its fingerprint, and measures both sides alike."""

        def fingerprint(self):
            return {"browser": "156", "page": "new"}

        def with_fingerprint(self, changes):
            assert changes == {"page": "old"}
            return self

    def compare(*_):
        raise AssertionError("it was timed")

    one = case(artifact=kept("k1"), fingerprint={"browser": "156", "page": "new"}, latency=latency())
    before = one.model_copy(update={"fingerprint": {"browser": "156", "page": "old"}})
    stopwatch = RegressionTimer(cache, {"tflite/one": Page("tflite/one")}, compare=compare)
    result = judge_run(run(one), Policy(), baseline(before), tflite, stopwatch=stopwatch)
    (check,) = [check for check in result.verdicts[0].checks if check.rule == "latency.regression"]
    assert check.passed
    assert "Only the measuring code differs" in check.message


def test_another_runtime_version_is_timed_beside_the_old_one_on_the_same_artifact(judge, kept):
    one = kept("k1")
    check = judge(timed(one, "2"), timed(one, "1"), "slower", 1.07)
    assert not check.passed
    assert "+7.0 % (95% interval +6.0 to +8.0 %" in check.message
    assert "runtime 1 → 2" in check.message
    ((old, new),) = judge.asked
    assert (old.target.version, new.target.version) == ("1", "2")
    assert old.artifact.digest == new.artifact.digest


def test_another_artifact_is_timed_beside_the_kept_one(judge, kept):
    check = judge(timed(kept("k2", "new bytes")), timed(kept("k1")), "alike", 1.001)
    assert check.passed
    ((old, new),) = judge.asked
    assert old.artifact.key == "k1"
    assert new.artifact.key == "k2"


def test_both_sides_have_what_the_model_says_and_its_file_does_not(cache, kept, tmp_path):
    library = tmp_path / "operators.so"
    library.write_bytes(b"code")
    custom = CustomOperators(library=library, registerer="Register")
    source = Source("tflite", tmp_path / "model.tflite", sequence=True)
    now, before = timed(kept("k2", "new bytes")), timed(kept("k1"))
    models = {now.model: ModelEntry(now.model, "", "regression", source, True, custom_operators=custom)}
    sides = []

    def compare(*compared):
        sides.extend(compared[:2])
        raise Unavailable("that is enough")

    stopwatch = RegressionTimer(cache, {"tflite/one": Altered()}, compare=compare, models=models)
    judge_run(run(now), Policy(), baseline(before), tflite, stopwatch=stopwatch)
    assert len(sides) == 2
    for side in sides:
        assert side.artifact.sequence
        assert side.artifact.custom_operators == CustomLibrary(
            library=str(library), registerer="Register", sha256=sha256(b"code").hexdigest()
        )


def test_an_old_artifact_that_is_gone_is_said_and_fails_only_where_the_policy_wants_it(judge, kept):
    now, before = timed(kept("k2", "new bytes")), timed(artifact(digest="d" * 64, key="gone"))
    check = judge(now, before)
    assert check.passed
    assert "is not in the cache any more" in check.message
    assert "harness convert" in check.message
    strict = Policy(latency=LatencyRule(no_old_side="fail"))
    assert not judge(now, before, policy=strict).passed


def test_undecided_fails_only_where_the_policy_wants_proof(judge, kept):
    one = kept("k1")
    assert judge(timed(one), timed(one, "1"), "undecided", 1.015).passed
    strict = Policy(latency=LatencyRule(undecided="fail"))
    check = judge(timed(one), timed(one, "1"), "undecided", 1.015, policy=strict)
    assert not check.passed
    assert "quieter machine" in check.message


def test_the_ratio_budget_is_the_margin_of_the_comparison(judge, kept):
    one = kept("k1")
    policy = Policy(ratios=(RatioBudget(limit=1.10, source="a test"),))
    judge(timed(one), timed(one, "1"), policy=policy)
    assert judge.plans[0].margin == pytest.approx(0.10)


class OnAGpu(Judge):
    """Until the data is there both sides are alike; of the kernels, by the GPU's own timers, the new side is slower."""

    def __call__(self, now, before, policy=None):
        def compare(old, new, inputs, plan):
            self.plans.append(plan)
            verdict, ratio = ("slower", 1.05) if plan.kernels else ("alike", 1.002)
            figures = Ratio(ratio, ratio - 0.01, ratio + 0.01, 120, plan.margin, 0.95, verdict)
            blocks = Round(np.ones(8), np.full(8, ratio), 1, resolution_ns=1024.0)
            return Finding(verdict, figures, figures if verdict == "slower" else None, 1.0, (blocks,))

        stopwatch = RegressionTimer(self.cache, {"tflite/one": Altered()}, compare=compare)
        result = judge_run(run(now), policy or Policy(), baseline(before), tflite, stopwatch=stopwatch)
        checks = result.verdicts[0].checks
        return {check.rule: check for check in checks if check.rule in ("latency.regression", "latency.kernels")}


@pytest.fixture
def on_a_gpu(cache):
    return OnAGpu(cache)


def with_timers(artifact, runtime):
    kernels = latency(4_500_000, kernel_ns=np.full(9, 150_000.0), kernel_resolution_ns=1024.0)
    return case(artifact=artifact, fingerprint={"runtime": runtime}, latency=kernels)


def test_kernels_that_a_gpu_times_itself_have_a_rule_of_their_own(on_a_gpu, kept):
    one = kept("k1")
    checks = on_a_gpu(with_timers(one, "2"), with_timers(one, "1"))
    assert checks["latency.regression"].passed
    found = checks["latency.kernels"]
    assert (found.passed, found.metric, found.measured, found.limit) == (False, "latency.kernel_ratio", 1.05, 1.02)
    assert "120 interleaved block pairs of kernels, by the GPU's own timers in steps of 1.02 µs" in found.message
    assert "runtime 1 → 2" in found.message


def test_a_project_sets_a_budget_for_kernels_apart(on_a_gpu, kept):
    one = kept("k1")
    policy = Policy(ratios=(RatioBudget(time="kernels", limit=1.10, source="a test"),))
    checks = on_a_gpu(with_timers(one, "2"), with_timers(one, "1"), policy)
    assert checks.keys() == {"latency.kernels"}
    assert [(plan.kernels, plan.margin) for plan in on_a_gpu.plans] == [(True, pytest.approx(0.10))]


def test_equal_kernels_on_an_equal_runtime_are_not_timed(on_a_gpu, kept):
    one = kept("k1")
    checks = on_a_gpu(with_timers(one, "2"), with_timers(one, "2"))
    assert all(check.passed and "nothing to time" in check.message for check in checks.values())
    assert (len(checks), on_a_gpu.plans) == (2, [])


def test_where_no_gpu_times_kernels_there_is_no_rule_on_them(on_a_gpu, kept):
    one = kept("k1")
    assert on_a_gpu(timed(one, "2"), timed(one, "1")).keys() == {"latency.regression"}


def test_regressions_can_be_switched_off(cache, kept):
    one = kept("k1")
    policy = Policy(latency=LatencyRule(regressions="off"))
    result = judge_run(run(timed(one)), policy, baseline(timed(one, "1")), tflite)
    assert not [check for check in result.verdicts[0].checks if check.rule == "latency.regression"]


def test_milliseconds_of_a_software_renderer_are_not_judged(kept):
    one = kept("k1")
    simulated = timed(one).model_copy(update={"simulated": True})
    result = judge_run(
        run(simulated), Policy(), baseline(timed(one, "1").model_copy(update={"simulated": True})), tflite
    )
    assert not [check for check in result.verdicts[0].checks if check.rule == "latency.regression"]


SLOWER_INSIDE = tuple(
    OperatorRatio(f"OPERATOR_{index}", "1×8", ratio, ratio - 0.05, ratio + 0.05, 0.2)
    for index, ratio in enumerate((0.5, 1.5, 1.4, 1.3, 1.2))
)


def test_what_became_slower_is_told_by_operator_the_heaviest_first(judge, kept):
    check = judge(timed(kept("k2", "other")), timed(kept("k1")), "slower", 1.2, inside=lambda *_: SLOWER_INSIDE)
    assert not check.passed
    assert (
        "Slower inside: OPERATOR_1 of 1×8: +50.0 % (between +45.0 and +55.0 %), 20% of the old side's time; OPERATOR_2"
        in (check.message)
    )
    assert check.message.endswith(
        "OPERATOR_3 of 1×8: +30.0 % (between +25.0 and +35.0 %), 20% of the old side's time; and 1 more."
    )
    assert "OPERATOR_0" not in check.message, "which became faster"


@pytest.mark.parametrize(("verdict", "ratio"), [("alike", 1.0), ("faster", 0.8), ("undecided", 1.05)])
def test_operators_are_not_asked_where_nothing_became_slower(judge, kept, verdict, ratio):
    asked = []
    judge(timed(kept("k2", "other")), timed(kept("k1")), verdict, ratio, inside=lambda *_: asked.append(1) or ())
    assert asked == []


def test_the_verdict_stands_where_operators_cannot_be_told(judge, kept):
    def inside(*_):
        raise Crashed("It died.")

    check = judge(timed(kept("k2", "other")), timed(kept("k1")), "slower", 1.2, inside=inside)
    assert not check.passed
    assert "inside" not in check.message
