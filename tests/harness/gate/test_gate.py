"""A run against its baseline: what turns a case red, and what is only said."""

from datetime import date

import pytest

from harness.baseline.accepted_results import accepted_case, accepted_run
from harness.baseline.files import Baseline
from harness.errors import HarnessError
from harness.gate.judge_run import judge_run, judged_record
from harness.gate.policy import GrowthRule, OutcomeRules, Policy, PolicyException
from harness.gate.rules import RULES
from harness.store.record import ModelOrigin, Outcome, TaskMetric
from tests.harness.gate.made_up import (
    ELSEWHERE,
    NO_BASELINE,
    artifact,
    baseline,
    case,
    figures,
    latency,
    run,
    tflite,
)

TODAY = date(2026, 11, 21)


def judged(now, before=NO_BASELINE, policy=None, **options):
    result = judge_run(run(*now), policy or Policy(), before, tflite, today=TODAY, **options)
    assert {check.rule for verdict in result.verdicts for check in verdict.checks} <= set(RULES)
    return result


def rules(result):
    return {check.rule for verdict in result.failed for check in verdict.broken}


def test_a_run_that_is_its_own_baseline_is_green():
    assert judged([case(latency=latency())], baseline(case(latency=latency()))).passed


def test_without_a_baseline_it_says_so_and_judges_by_absolute_rules():
    result = judged([case()])
    assert result.passed
    assert "no baseline" in result.notices[0]


@pytest.mark.parametrize("edge", ["conversion", "runtime"])
def test_an_output_may_lose_the_decibels_of_the_policy_and_no_more(edge):
    def with_sqnr(decibels):
        found = figures(reference_error=0.01, error=0.01)
        outputs = tuple(one.model_copy(update={"sqnr_db": decibels}) for one in getattr(found, edge))
        return case(parity=found.model_copy(update={edge: outputs}))

    def broken(decibels):
        (verdict,) = judged([with_sqnr(decibels)], baseline(with_sqnr(40.0))).verdicts
        return {check.rule for check in verdict.broken if check.rule.startswith("baseline.parity.")}

    assert broken(37.0) == set()
    assert broken(36.9) == {f"baseline.parity.{edge}"}


@pytest.mark.parametrize(
    ("name", "higher_is_better", "worst_allowed"),
    [("accuracy", True, 0.8 * 0.99), ("mean_squared_error", False, 0.8 / 0.99)],
)
@pytest.mark.parametrize("side", ["value", "golden"])
def test_a_figure_of_merit_may_fall_by_the_margin_and_by_no_more(name, higher_is_better, worst_allowed, side):
    def with_task(**figures_of_merit):
        task = TaskMetric(
            name=name,
            samples=64,
            higher_is_better=higher_is_better,
            **({"value": 0.8, "golden": 0.8} | figures_of_merit),
        )
        return case(parity=figures().model_copy(update={"task": task}))

    def broken(value):
        (verdict,) = judged([with_task(**{side: value})], baseline(with_task())).verdicts
        return {check.rule for check in verdict.broken} & {"baseline.task", "baseline.golden"}

    worse = 0.999 if higher_is_better else 1.001
    assert broken(worst_allowed) == set()
    assert broken(worst_allowed * worse) == {"baseline.task" if side == "value" else "baseline.golden"}


def test_a_case_is_judged_by_the_format_that_its_record_has_also_where_its_target_is_not_installed():
    """TensorFlow.js rounds more than TFLite: 66 dB are within the limit of the one and not of the other."""
    off = figures(error=5e-4)
    web, phone = (case(name="model/float32/other/one", parity=off, format=form) for form in ("tfjs", "tflite"))
    unknown = case(name="model/float32/other/one", parity=off)

    def verdict(one):
        return judge_run(run(one), Policy(), NO_BASELINE, lambda target: "", today=TODAY)

    assert [verdict(one).passed for one in (web, phone)] == [True, False]
    (unjudged,) = verdict(unknown).failed
    assert "is not known here: install the package that brings its target, or run it again" in unjudged.reason


@pytest.mark.parametrize("outcome", [Outcome.UNSUPPORTED, Outcome.UNAVAILABLE])
def test_what_ran_in_the_baseline_and_no_longer_runs_is_a_failure(outcome):
    lost = case(outcome=outcome, parity=None, reason="no more")
    assert judged([lost]).passed
    result = judged([lost], baseline(case()))
    assert rules(result) == {"outcome"}
    assert "ran in the baseline and does not any more" in result.failed[0].reason
    assert judged(
        [lost], baseline(case()), Policy(outcomes=OutcomeRules(unsupported="ignore", unavailable="ignore"))
    ).passed


@pytest.mark.parametrize("outcome", [Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.FAILED])
def test_what_breaks_is_a_failure_with_or_without_a_baseline(outcome):
    broken = case(outcome=outcome, parity=None, reason="it died")
    assert rules(judged([broken])) == {"outcome"}
    assert rules(judged([broken], baseline(case()))) == {"outcome"}


def test_a_failure_after_the_comparison_is_still_one():
    assert rules(judged([case(outcome=Outcome.FAILED, reason="outputs changed while timing")])) == {"outcome"}


def test_a_case_dropped_from_the_matrix_is_missing():
    others = [case("one/float32/tflite/b"), case("two/float32/tflite/a")]
    before = baseline(case("one/float32/tflite/a"), *others)
    result = judged(others, before)
    assert [verdict.case.id for verdict in result.failed] == ["one/float32/tflite/a"]
    assert "not in this run" in result.failed[0].reason


def test_a_smaller_selection_drops_nothing_unless_the_run_was_to_be_complete():
    before = baseline(case("one/float32/tflite/a"), case("two/int8/tflite/b"))
    result = judged([case("one/float32/tflite/a")], before)
    assert result.passed
    assert any("1 of 2 cases of the baseline were not part of this run" in notice for notice in result.notices)
    assert not judged([case("one/float32/tflite/a")], before, complete=True).passed


def test_what_was_asked_for_by_name_is_missed_only_where_another_model_has_it():
    """`harness run`, after a baseline was accepted of it and of `harness run --variant float32 --target tflm/host`."""
    default = [case(f"{model}/{rest}") for model in ("one", "two") for rest in ("float32/tflite/a", "int8/tflm/host")]
    named = [case(f"{model}/float32/tflm/host", by_default=False) for model in ("one", "two")]
    before = baseline(*default, *named)
    assert judged(default, before).passed
    assert [verdict.case.id for verdict in judged([*default, named[0]], before).failed] == ["two/float32/tflm/host"]
    assert not judged(default, before, complete=True).passed
    taken = [case(f"{model}/float32/tflm/host", by_default=True) for model in ("one", "two")]
    assert len(judged(default, baseline(*default, *taken)).failed) == 2


def test_one_byte_more_is_a_failure_that_names_both_sizes():
    grown = case(artifact=artifact(digest="b" * 64, key="l" * 64, size=1001), measured={"artifact_bytes": 1001})
    result = judged([grown], baseline(case()))
    assert rules(result) == {"growth"}
    assert "artifact_bytes grew from 1000 to 1001, by 1" in result.failed[0].reason


def test_growth_within_percent_of_a_rule_is_let_be_and_shrinking_always():
    policy = Policy(growth=(GrowthRule(figure="instructions", percent=2.0, source="a test"),))
    before = baseline(case(measured={"instructions": 1000}))
    assert judged([case(measured={"instructions": 1020})], before, policy).passed
    assert not judged([case(measured={"instructions": 1021})], before, policy).passed
    assert judged([case(measured={"instructions": 10})], before, Policy()).passed


def test_a_figure_that_is_no_longer_measured_is_noticed():
    result = judged([case(measured={"other_bytes": 1})], baseline(case(measured={"arena_bytes": 7})))
    assert "arena_bytes was 7 in the baseline and was not measured now" in result.failed[0].reason


def test_other_bytes_from_the_same_recipe_are_a_failure():
    result = judged([case(artifact=artifact(digest="b" * 64))], baseline(case()))
    assert rules(result) == {"baseline.artifact"}
    assert "source, recipe and converter are the accepted ones" in result.failed[0].reason


def test_other_bytes_from_another_converter_are_explained():
    changed = artifact(digest="b" * 64, key="l" * 64).model_copy(update={"converter": {"tensorflow": "2.20"}})
    result = judged([case(artifact=changed)], baseline(case()))
    assert result.passed
    (check,) = [check for check in result.verdicts[0].checks if check.rule == "baseline.artifact"]
    assert "changed since: tensorflow" in check.message


def of_source(identity, options):
    made = artifact(digest=identity * 64, key=identity * 64).model_copy(update={"options": options})
    record = run(case(artifact=made))
    origin = ModelOrigin(identity=identity, kind="keras", path="m.keras")
    return record.model_copy(update={"models": tuple(m.model_copy(update={"origin": origin}) for m in record.models)})


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (("b", {}), "changed since: the source."),
        (("a", {"io": "int8"}), "changed since: the recipe."),
        (("b", {"io": "int8"}), "changed since: the source, the recipe."),
    ],
)
def test_what_changed_since_is_named_where_the_baseline_knows_it(now, words):
    before = of_source("a", {})
    accepted = Baseline(
        {before.cases[0].name: accepted_case(before, before.cases[0])}, {before.id: accepted_run(before)}
    )
    later = of_source(*now)
    other = later.cases[0].artifact.model_copy(update={"digest": "z" * 64, "key": "y" * 64})
    later = later.model_copy(update={"cases": (later.cases[0].model_copy(update={"artifact": other}),)})
    (check,) = [
        c for c in judge_run(later, Policy(), accepted, tflite).verdicts[0].checks if c.rule == "baseline.artifact"
    ]
    assert check.passed
    assert words in check.message


def test_a_ready_artifact_is_the_accepted_file_or_a_failure():
    now = case("m/ready/tflite/one", artifact=artifact(digest="b" * 64, key="l" * 64))
    assert rules(judged([now], baseline(case("m/ready/tflite/one")))) == {"baseline.artifact"}


def test_parity_may_not_fall_far_below_the_baseline_even_within_the_absolute_limit():
    before = baseline(case("m/int8/tflite/one", parity=figures(reference_error=0.01)))
    assert judged([case("m/int8/tflite/one", parity=figures(reference_error=0.012))], before).passed
    result = judged([case("m/int8/tflite/one", parity=figures(reference_error=0.03))], before)
    assert rules(result) == {"baseline.parity.conversion"}
    assert "a drop of" in result.failed[0].reason


def test_rounding_noise_of_another_cpu_is_no_drop():
    before = baseline(case(parity=figures()), machine=ELSEWHERE)
    assert judged([case(parity=figures(error=1e-7))], before).passed


def test_milliseconds_of_another_machine_are_refused_with_one_sentence_and_the_rest_is_compared():
    before = baseline(case(latency=latency()), machine=ELSEWHERE)
    result = judged([case(latency=latency(9_000_000), measured={"artifact_bytes": 1001})], before)
    assert rules(result) == {"growth"}
    (refusal,) = [notice for notice in result.notices if "another machine" in notice]
    assert "CPU B" in refusal
    assert "refused" in refusal


def test_two_runs_apart_may_warn_and_never_fail():
    result = judged([case(latency=latency(1_500_000))], baseline(case(latency=latency())))
    assert result.passed
    assert any("two runs apart prove nothing" in notice for notice in result.notices)


def exception(**fields):
    usual = {"case": "*", "rule": "growth", "reason": "known, see the tracker", "expires": date(2026, 12, 1)}
    return Policy(exceptions=(PolicyException(**{**usual, **fields}),))


GROWN = case(measured={"artifact_bytes": 1001})


def test_an_exception_lets_its_rule_through_and_says_why():
    result = judged([GROWN], baseline(case()), exception())
    assert result.passed
    (check,) = [check for check in result.verdicts[0].checks if check.rule == "growth"]
    assert "2026-12-01" in check.message
    assert "known, see the tracker" in check.source


@pytest.mark.parametrize(
    "fields", [{"case": "other/*"}, {"rule": "parity.*"}, {"expires": date(2026, 11, 20)}, {"metric": "arena_bytes"}]
)
def test_an_exception_for_something_else_or_that_ended_lets_nothing_through(fields):
    result = judged([GROWN], baseline(case()), exception(**fields))
    assert rules(result) == {"growth"}
    assert any("Exception 1" in notice for notice in result.notices)


def test_an_exception_holds_on_its_last_day():
    assert judged([GROWN], baseline(case()), exception(expires=TODAY)).passed


def test_an_exception_with_a_limit_holds_the_figure_to_that():
    assert judged([GROWN], baseline(case()), exception(limit=1001)).passed
    result = judged([case(measured={"artifact_bytes": 1002})], baseline(case()), exception(limit=1001))
    assert "An exception allows 1001" in result.failed[0].reason


def test_an_exception_for_a_lower_limit_knows_that_higher_is_better():
    worse = case(parity=figures(error=0.001))
    assert not judged([worse]).passed
    lenient = exception(rule="parity.runtime.sqnr_db", limit=50.0)
    assert "parity.runtime.sqnr_db" not in rules(judged([worse], policy=lenient))


def test_worst_comes_first():
    wrong, grown = case("z/float32/tflite/one", parity=figures(error=0.1)), case("a/float32/tflite/one")
    grown = grown.model_copy(update={"measured": GROWN.measured})
    result = judged([grown, wrong], baseline(case("a/float32/tflite/one"), case("z/float32/tflite/one")))
    assert [verdict.case.model for verdict in result.failed] == ["z", "a"]


def test_an_interrupted_run_is_not_judged():
    with pytest.raises(HarnessError, match="interrupted with 1 of 2 cases"):
        judge_run(run(case(), status="interrupted", planned=2), Policy(), NO_BASELINE, tflite)


def test_the_dashboard_sees_the_verdicts():
    lost = case(outcome=Outcome.UNSUPPORTED, parity=None, reason="no more")
    (shown,) = judged_record(judged([lost], baseline(case()))).cases
    assert shown.outcome is Outcome.FAILED
    assert "ran in the baseline" in shown.reason
    assert shown.checks


@pytest.mark.parametrize("timed", [False, True])
def test_a_runtime_that_fell_back_is_named_whether_or_not_it_was_timed(timed):
    webgl = case("m/float32/tfjs/chromium-webgl", fingerprint={"backend": "webgl"})
    if timed:
        silent = webgl.model_copy(update={"latency": latency(details={"backend": "cpu"})})
    else:
        answered = webgl.measured.model_copy(update={"details": {"backend": "cpu"}})
        silent = webgl.model_copy(update={"measured": answered})
    (check,) = judged([silent]).verdicts[0].broken
    assert check.rule == "runtime.as_asked"
    assert check.message == "The backend 'webgl' was asked for and 'cpu' did the work."


def test_a_page_that_loaded_another_wasm_file_is_named():
    slow = case("m/float32/tfjs/chromium-wasm", fingerprint={"backend": "wasm", "wasm_file": "simd.wasm"})
    answered = slow.measured.model_copy(update={"details": {"backend": "wasm", "wasm_file": "plain.wasm"}})
    (check,) = judged([slow.model_copy(update={"measured": answered})]).verdicts[0].broken
    assert check.rule == "runtime.as_asked"
    assert check.message == "The wasm_file 'simd.wasm' was asked for and 'plain.wasm' did the work."


def test_a_gpu_that_was_asked_for_and_is_another_by_its_own_name_breaks_a_rule():
    asked = case("m/float32/tfjs/chromium-webgl", fingerprint={"renderer": "NVIDIA H100"})
    answered = asked.measured.model_copy(update={"details": {"renderer": "SwiftShader"}})
    (check,) = judged([asked.model_copy(update={"measured": answered})]).verdicts[0].broken
    assert check.rule == "runtime.as_asked"


@pytest.mark.parametrize(
    ("leaked", "broken"), [("0", []), ("1", ["runtime.tensors_leaked"]), ("37", ["runtime.tensors_leaked"])]
)
def test_tensors_that_invocations_leave_behind_break_a_rule(leaked, broken):
    page = case("m/float32/tfjs/chromium-webgl").model_copy(
        update={"latency": latency(details={"tensors_leaked": leaked})}
    )
    assert [check.rule for check in judged([page]).verdicts[0].broken] == broken


@pytest.mark.parametrize(
    ("bits", "nan_at", "broken"),
    [("16", 3, True), ("16", None, False), ("32", 3, None), (None, 3, None)],
)
def test_an_overflow_of_half_precision_is_named_as_what_it_is(bits, nan_at, broken):
    page = case("m/float32/tfjs/chromium-webgl", parity=figures(nan_at=nan_at))
    answered = page.measured.model_copy(update={"details": {"float_bits": bits} if bits else {}})
    checks = judged([page.model_copy(update={"measured": answered})]).verdicts[0].checks
    found = [check for check in checks if check.rule == "runtime.half_precision"]
    assert [not check.passed for check in found] == ([] if broken is None else [broken])
    if broken:
        assert "Output 'q' is not finite where the reference is: results inside went beyond 65504" in found[0].message


def on(target, wrong=False, digest="a" * 64):
    found = case(f"m/int8/{target}", parity=figures(error=0.5 if wrong else 0.0), artifact=artifact(digest=digest))
    if not wrong:
        return found
    (broken, *_) = judged([found]).verdicts[0].broken
    return found.model_copy(update={"outcome": Outcome.FAILED, "checks": (broken,)})


@pytest.mark.parametrize(
    ("cases", "named"),
    [
        ([on("litertjs/gpu", wrong=True), on("litertjs/wasm"), on("tflite/one")], "litertjs/wasm, tflite/one"),
        ([on("litertjs/gpu", wrong=True), on("litertjs/wasm", wrong=True), on("tflite/one")], ""),
        ([on("litertjs/gpu", wrong=True), on("tflite/one", digest="b" * 64)], ""),
        ([on("litertjs/gpu", wrong=True)], ""),
    ],
    ids=["alone", "two of them", "another file", "nothing beside it"],
)
def test_the_one_target_that_is_wrong_on_a_file_that_others_run_right_is_named(cases, named):
    found = [notice for notice in judged(cases).notices if "alone gives wrong outputs" in notice]
    assert found == (
        [
            "m/int8/litertjs/gpu: litertjs/gpu alone gives wrong outputs; the same file gives the reference's on "
            f"{named}: the fault is in that runtime."
        ]
        if named
        else []
    )


SPLIT = "in part: 25 operations will run on the GPU, and the remaining 1 operations will run on the CPU. (IF: no)"


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"accelerated": "whole"}, ""),
        ({"accelerated": SPLIT}, f"What was asked for runs the model {SPLIT}."),
        ({"accelerated": "whole", "warnings": "Sparse."}, "The runtime warns: Sparse."),
    ],
)
def test_what_ran_elsewhere_in_part_is_a_notice_in_the_runtimes_own_words_and_turns_nothing_red(details, words):
    page = case("m/float32/litertjs/chromium-webgpu")
    told = page.model_copy(update={"measured": page.measured.model_copy(update={"details": details})})
    result = judged([told])
    (check,) = [check for check in result.verdicts[0].checks if check.rule == "runtime.accelerated"]
    assert (check.passed, check.message) == (True, words)
    assert [notice for notice in result.notices if "chromium-webgpu" in notice] == (
        [f"{told.id}: {words}"] if words else []
    )


def test_a_case_that_cannot_be_judged_is_red_with_a_sentence_and_the_others_are_judged(monkeypatch):
    from harness.gate import judge_run as module

    judge = module.judge_case

    def judge_or_raise(name, *args, **more):
        if name.variant == "int8":
            raise KeyError("output")
        return judge(name, *args, **more)

    monkeypatch.setattr(module, "judge_case", judge_or_raise)
    sound, broken = judged((case("m/float32/tflite/one"), case("m/int8/tflite/one"))).verdicts
    assert sound.passed
    assert not broken.passed
    assert "Judging it raised KeyError: 'output'" in broken.reason
