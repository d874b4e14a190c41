"""Faults put in on purpose, each caught by the rule that should catch it, with a message that helps."""

import math
import re

import numpy as np
import pytest

from harness.artifact import Quantisation, TensorInfo
from harness.case_name import CaseName
from harness.gate.judge import EdgeRules, judge, judge_edge
from harness.gate.judge_task import discordant_bound, discordant_pairs
from harness.gate.policy import FigureLimit, LatencyRule, ParityRule, Policy, TaskRule
from harness.latency.statistics import summarise
from harness.parity.comparison import compare
from harness.parity.edges import compare_edges
from harness.ragged import stack_samples
from harness.store.record import Measured, TaskMetric
from harness.target import Timing

RANDOM = np.random.default_rng(5)
GOLDEN = RANDOM.normal(size=(200, 1, 10)).astype(np.float32)
FLOAT = TensorInfo(name="out", tensor="t", index=0, shape=(1, 10), dtype="float32")
INT8 = FLOAT.model_copy(update={"dtype": "int8", "quantisation": Quantisation(scale=0.04, zero_point=0)})


def case(golden, reference, actual, info=FLOAT, task="regression", labels=None):
    return compare_edges(
        {"out": golden},
        {"out": reference},
        {"out": actual},
        (info,),
        labels=labels,
        task=task,
        reference_name="reference",
    )


def checks(measured_parity, variant="float32", policy=None, format="tflite", latency=None, sizes=None):
    name = CaseName("m", variant, f"{format}/target", format=format)
    return judge(name, measured_parity, latency, sizes or Measured(), policy or Policy())


def failures(*arguments, **more):
    return {check.rule: check for check in checks(*arguments, **more) if not check.passed}


def int8(steps=0):
    stored = INT8.to_stored(GOLDEN).astype(np.int32)
    return np.clip(stored + steps, -128, 127).astype(np.int8)


class TestSizes:
    """Outputs whose size depends on the data: how many rows there are is a rule of its own."""

    ROWS = tuple(GOLDEN[number, 0, :, None] * np.ones(3, np.float32) for number in range(4))
    FEWER = (*ROWS[:3], ROWS[3][:7])

    def compared(self, reference, actual, golden=ROWS):
        sides = (stack_samples("out", side) for side in (golden, reference, actual))
        return compare_edges(*sides, (FLOAT,), task="regression", reference_name="reference")

    def test_another_number_of_rows_fails_that_rule_alone_and_on_its_edge_alone(self):
        found = failures(self.compared(self.ROWS, self.FEWER))
        assert set(found) == {"parity.runtime.sizes"}
        message = found["parity.runtime.sizes"].message
        assert "another size in 1 of 4 samples, first in sample 3: (7, 3) where (10, 3) was expected" in message
        assert set(failures(self.compared(self.FEWER, self.FEWER))) == {"parity.conversion.sizes"}

    def test_values_that_both_hold_are_judged_beside_it(self):
        found = failures(self.compared(self.ROWS, [values * np.float32(1.1) for values in self.FEWER]))
        assert set(found) == {"parity.runtime.sizes", "parity.runtime.sqnr_db", "parity.runtime.peak"}

    def test_as_many_rows_pass_it(self):
        same = self.compared(self.FEWER, self.FEWER, self.FEWER)
        found = [check for check in checks(same) if check.rule.endswith(".sizes")]
        assert [check.passed for check in found] == [True, True]


class TestFloat:
    def test_equal_tensors_pass_every_rule(self):
        found = checks(case(GOLDEN, GOLDEN, GOLDEN))
        assert found
        assert all(check.passed and check.source for check in found)

    def test_rounding_of_another_summation_order_passes(self):
        rounded = GOLDEN * (1 + RANDOM.normal(0, 1e-6, GOLDEN.shape)).astype(np.float32)
        assert not failures(case(GOLDEN, rounded, rounded * np.float32(1 + 1e-7)))

    def test_a_wrong_converter_fails_on_its_edge_alone(self):
        assert set(failures(case(GOLDEN, GOLDEN * np.float32(1.1), GOLDEN * np.float32(1.1)))) == {
            "parity.conversion.sqnr_db",
            "parity.conversion.peak",
        }

    def test_a_wrong_runtime_fails_on_its_edge_alone(self):
        found = failures(case(GOLDEN, GOLDEN, GOLDEN * np.float32(1.1)))
        assert set(found) == {"parity.runtime.sqnr_db", "parity.runtime.peak"}

    def test_one_wrong_value_among_many_fails_by_its_peak(self):
        many = RANDOM.normal(size=(1000, 1000)).astype(np.float32)
        actual = many.copy()
        actual[617, 42] += 0.05
        found = failures(case(many, many, actual))
        assert set(found) == {"parity.runtime.peak"}
        assert "sample 617, index [42]" in found["parity.runtime.peak"].message

    @pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
    def test_the_range_of_the_output_does_not_matter(self, scale):
        small = GOLDEN * np.float32(scale)
        assert failures(case(small, small, small * np.float32(1.01)))
        assert not failures(case(small, small, small * np.float32(1 + 1e-6)))

    def test_two_outputs_of_one_shape_swapped_fail(self):
        assert "parity.runtime.sqnr_db" in failures(case(GOLDEN, GOLDEN, GOLDEN[:, :, ::-1]))

    def test_an_output_of_zeros_is_judged_by_its_absolute_error(self):
        zeros = np.zeros_like(GOLDEN)
        assert not failures(case(zeros, zeros, zeros + np.float32(1e-6)))
        found = failures(case(zeros, zeros, zeros + np.float32(0.5)))
        assert "should be zero everywhere" in found["parity.runtime.sqnr_db"].message

    def test_tfjs_may_round_more_than_tflite(self):
        actual = GOLDEN * np.float32(1.0003)
        assert failures(case(GOLDEN, GOLDEN, actual))
        assert not failures(case(GOLDEN, GOLDEN, actual), format="tfjs")


class TestNotANumber:
    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_one_in_one_output_of_one_input_fails_and_is_named(self, bad):
        actual = GOLDEN.copy()
        actual[17, 0, 3] = bad
        found = failures(case(GOLDEN, GOLDEN, actual))
        assert set(found) == {"parity.runtime.finite"}
        assert "sample 17, index [0, 3]" in found["parity.runtime.finite"].message
        assert "no tolerance would pass" in found["parity.runtime.finite"].message

    def test_no_policy_lets_it_pass(self):
        bad = np.full_like(GOLDEN, math.nan)
        assert set(failures(case(bad, bad, bad), policy=Policy(parity=()))) == {
            "parity.conversion.finite",
            "parity.runtime.finite",
        }


class TestIntegers:
    def test_quantisation_itself_passes(self):
        assert not failures(case(GOLDEN, int8(), int8(), INT8), "int8")

    @pytest.mark.parametrize("steps", [1, 3, -3])
    def test_a_few_steps_between_kernels_pass(self, steps):
        assert not failures(case(GOLDEN, int8(), int8(steps), INT8), "int8")

    def test_tens_of_steps_pass_where_power_and_answers_hold(self):
        actual = int8()
        actual[::40, 0, 0] = np.clip(actual[::40, 0, 0].astype(int) - 30, -128, 127)
        assert not failures(case(GOLDEN, int8(), actual, INT8), "int8")

    def test_tens_of_steps_everywhere_fail_by_power(self):
        assert set(failures(case(GOLDEN, int8(), int8(20), INT8), "int8")) == {"parity.runtime.sqnr_db"}

    def test_one_value_far_off_fails_by_its_steps(self):
        actual = int8()
        actual[3, 0, 4] = -actual[3, 0, 4] if abs(int(actual[3, 0, 4])) > 30 else actual[3, 0, 4] + np.int8(64)
        found = failures(case(GOLDEN, int8(), actual, INT8), "int8")
        assert set(found) == {"parity.runtime.amplified_lsb"}
        assert re.search(
            r"at sample 3, index \[0, 4\].*a limit of \d+ LSB would have passed", found.popitem()[1].message
        )

    def test_a_wrong_zero_point_fails(self):
        wrong = INT8.model_copy(update={"quantisation": Quantisation(scale=0.04, zero_point=20)})
        assert "parity.conversion.sqnr_db" in failures(case(GOLDEN, int8(), int8(), wrong), "int8")

    def test_changed_answers_fail(self):
        actual = int8()
        actual[:10] = actual[:10, :, ::-1]
        found = failures(case(GOLDEN, int8(), actual, INT8, task="classification"), "int8")
        assert "5.0% of 200 samples" in found["parity.runtime.top1_agreement"].message

    def test_an_index_that_the_model_gives_itself_agrees_or_does_not(self):
        index = np.arange(200).reshape(200, 1)
        info = TensorInfo(name="out", tensor="t", index=0, shape=(1,), dtype="int64")
        other = index.copy()
        other[:10] += 1  # by one "step", which would pass were it a quantised output
        found = failures(case(index, index, other, info), "int8")
        assert set(found) == {"parity.runtime.top1_agreement"}
        assert not failures(case(index, index, index.astype(np.int32), info), "int8")


class TestTask:
    LABELS = GOLDEN[:, 0].argmax(axis=1)

    def test_labels_decide_what_a_changed_answer_costs_on_the_conversion_edge(self):
        converted = GOLDEN.copy()
        converted[:6] = converted[:6, :, ::-1]
        unlabelled = failures(case(GOLDEN, converted, converted, task="classification"))
        labelled = failures(case(GOLDEN, converted, converted, task="classification", labels=self.LABELS))
        assert "parity.conversion.top1_agreement" in unlabelled
        assert "parity.conversion.top1_agreement" not in labelled
        assert "task.noninferiority" in labelled

    def test_the_message_carries_the_interval_and_the_margin_that_would_have_passed(self):
        converted = GOLDEN.copy()
        converted[:20] = converted[:20, :, ::-1]
        check = failures(case(GOLDEN, converted, converted, task="classification", labels=self.LABELS))[
            "task.noninferiority"
        ]
        assert check.measured == pytest.approx(0.9)
        assert check.limit == pytest.approx(0.99)
        assert "95% interval" in check.message
        assert "shown to be worse by more than 1.00%" in check.message
        assert check.message.endswith("would pass a margin of 0.1.")

    @staticmethod
    def judged(value, golden, samples, agreement=None, rule=None, available=0):
        result = case(GOLDEN, GOLDEN, GOLDEN, task="classification")
        end = tuple(one.model_copy(update={"top1_agreement": agreement}) for one in result.end_to_end)
        metric = TaskMetric(name="accuracy", value=value, golden=golden, samples=samples)
        counts = {"samples": samples, "available": available or samples}
        result = result.model_copy(update={"task": metric, "end_to_end": end, **counts})
        policy = Policy(task=rule or TaskRule())
        return next(check for check in checks(result, policy=policy) if check.rule == "task.noninferiority")

    def test_enough_samples_show_that_it_is_no_worse(self):
        check = self.judged(0.97, 0.97, 5000, agreement=0.998)
        assert check.passed
        assert "shown to be no worse" in check.message

    def test_too_few_samples_are_taken_as_measured_and_say_so(self):
        check = self.judged(0.97, 0.97, 100)
        assert check.passed
        assert "too few samples" in check.message
        assert not self.judged(0.95, 0.97, 100).passed

    def test_where_the_budget_was_too_small_for_all_samples_the_interval_decides_alone(self):
        """One of 25 lost is red on a busy machine and one of 128 is green on a quiet one: no verdict on the model."""
        check = self.judged(0.96, 1.0, 25, available=128)
        assert check.passed
        assert "undecided" in check.message
        assert not self.judged(0.96, 1.0, 25).passed
        assert not self.judged(0.4, 1.0, 25, available=128).passed
        assert not self.judged(0.96, 1.0, 25, available=128, rule=TaskRule(undecided="fail")).passed

    def test_a_policy_may_ask_for_proof(self):
        assert not self.judged(0.97, 0.97, 100, rule=TaskRule(undecided="fail")).passed

    def test_the_strict_preset_of_mlperf(self):
        assert not self.judged(0.965, 0.97, 10_000, agreement=0.99, rule=TaskRule(margin=0.001)).passed

    def test_errors_are_compared_the_other_way_round(self):
        result = case(GOLDEN, GOLDEN, GOLDEN)
        for value, passed in ((1.005, True), (1.02, False), (0.5, True)):
            metric = TaskMetric(name="mean_squared_error", value=value, golden=1.0, samples=200, higher_is_better=False)
            found = failures(result.model_copy(update={"task": metric}))
            assert ("task.noninferiority" not in found) is passed

    @pytest.mark.parametrize("lost", [0, 3, 8])
    @pytest.mark.parametrize("gained", [0, 2, 7])
    def test_the_bound_never_counts_fewer_discordant_pairs_than_there_are(self, lost, gained):
        right = np.arange(200) >= 20
        after = right.copy()
        after[20 : 20 + lost] = False
        after[:gained] = True
        metric = TaskMetric(name="accuracy", value=after.mean(), golden=right.mean(), samples=200)
        comparison = case(GOLDEN, GOLDEN, GOLDEN).end_to_end[0]
        agreeing = comparison.model_copy(update={"top1_agreement": 1 - (lost + gained) / 200})
        assert discordant_bound(metric, [agreeing]) == (lost, gained)
        bound = discordant_bound(metric, [])
        assert bound[0] - bound[1] == lost - gained
        assert sum(bound) >= lost + gained

    def test_counted_pairs_are_taken_as_they_are(self):
        metric = TaskMetric(name="accuracy", value=0.97, golden=0.97, samples=5000, lost=2, gained=2)
        assert discordant_pairs(metric, []) == (2, 2)
        result = case(GOLDEN, GOLDEN, GOLDEN, task="classification").model_copy(update={"task": metric})
        (check,) = [check for check in checks(result) if check.rule == "task.noninferiority"]
        assert check.passed
        assert "2 lost and 2 gained, 95% interval" in check.message
        # The same accuracies without the counts leave it open: up to 300 samples may have changed.
        uncounted = metric.model_copy(update={"lost": None, "gained": None, "value": 0.965})
        counted = metric.model_copy(update={"lost": 25, "gained": 0, "value": 0.965})
        assert sum(discordant_pairs(uncounted, [])) == 325
        assert sum(discordant_pairs(counted, [])) == 25

    def test_counts_that_contradict_the_accuracies_are_not_believed(self):
        metric = TaskMetric(name="accuracy", value=0.5, golden=1.0, samples=10, lost=70, gained=1)
        assert discordant_pairs(metric, []) == discordant_bound(metric, [])


class TestMisplaced:
    def test_swapped_outputs_are_named_before_their_errors(self):
        result = case(GOLDEN, GOLDEN, GOLDEN[::-1])
        item = result.runtime[0]
        runtime = (
            item.model_copy(update={"output": "a", "looks_like": "b"}),
            item.model_copy(update={"output": "b", "looks_like": "a"}),
        )
        first, *others = [check for check in checks(result.model_copy(update={"runtime": runtime})) if not check.passed]
        assert first.rule == "parity.runtime.swapped_outputs"
        assert first.message == (
            "Runtime: the outputs look swapped against the reference interpreter: output 0 ('a') agrees with its "
            "output 1 ('b'), output 1 ('b') agrees with its output 0 ('a')."
        )
        assert {check.rule for check in others} >= {"parity.runtime.sqnr_db"}

    @pytest.mark.parametrize(
        ("classes", "words"),
        [
            ((3, 7), "classes 3 and 7 look exchanged in output"),
            ((1, 3, 7), "classes 1, 3, 7 look exchanged among each other"),
            (tuple(range(40)), "40 classes look exchanged among each other (0, 1, 2, 3, 4, 5, 6, 7, …)"),
        ],
    )
    def test_exchanged_classes_are_named(self, classes, words):
        result = case(GOLDEN, GOLDEN, GOLDEN)
        exchanged = (result.conversion[0].model_copy(update={"exchanged_classes": classes}),)
        found = failures(result.model_copy(update={"conversion": exchanged}))
        assert words in found["parity.conversion.exchanged_classes"].message

    def test_exchanged_labels_are_a_rule_of_their_own(self):
        metric = TaskMetric(name="accuracy", value=0.8, golden=0.8, samples=200, exchanged_labels=(2, 6))
        found = failures(case(GOLDEN, GOLDEN, GOLDEN).model_copy(update={"task": metric}))
        assert set(found) == {"task.exchanged_labels"}
        assert "classes 2 and 6 look exchanged in the data" in found["task.exchanged_labels"].message


class TestTheRest:
    @pytest.mark.parametrize("nothing", [None, case(GOLDEN[:0], GOLDEN[:0], GOLDEN[:0])])
    def test_what_was_not_compared_does_not_pass(self, nothing):
        assert set(failures(nothing)) == {"parity.measured"}

    def test_a_missing_steady_state_warns_and_fails_only_if_asked(self):
        drifting = Timing((1e6 * np.linspace(1, 3, 500)).astype(np.int64), first_ns=1)
        latency = summarise(drifting, None)
        result = case(GOLDEN, GOLDEN, GOLDEN)
        check = checks(result, latency=latency)[-1]
        assert check.passed
        assert "No steady state" in check.message
        strict = Policy(latency=LatencyRule(require_steady=True))
        assert set(failures(result, latency=latency, policy=strict)) == {"latency.steady_state"}

    def test_a_size_above_its_budget_by_one_byte_fails(self):
        policy = Policy(budgets=(FigureLimit(figure="artifact_bytes", limit=1000, source="the flash of the board"),))
        result = case(GOLDEN, GOLDEN, GOLDEN)
        for size, passed in ((1000, True), (1001, False)):
            found = failures(result, policy=policy, sizes=Measured(figures={"artifact_bytes": size}))
            assert (not found) is passed
        assert "1 above the budget of 1000" in found["budget"].message
        assert "was not measured" in failures(result, policy=policy)["budget"].message

    def test_the_suggested_limit_would_really_pass(self):
        result = case(GOLDEN, GOLDEN, GOLDEN * np.float32(1.0137))
        suggested = []
        for rule, check in failures(result).items():
            number = re.search(r"limit of ([\d.e+-]+)(?: dB)? would have passed", check.message)
            assert number, rule
            metric = rule.rsplit(".", 1)[1]
            suggested.append(ParityRule(edge="runtime", metric=metric, limit=float(number[1]), source="suggested"))
        assert len(suggested) == 2
        assert not failures(result, policy=Policy().with_rules(*suggested))


def test_a_share_says_what_it_is_a_share_of():
    flags = TensorInfo(name="y", tensor="y", index=0, shape=(1, 12), dtype="bool")
    expected = np.zeros((16, 1, 12), bool)
    wrong = expected.copy()
    wrong[:, 0, :4] = True
    found = compare("y", wrong, expected, flags, flags)
    assert (found.elements, found.differing_samples) == (192, 16)
    rules = EdgeRules(Policy(), "runtime", CaseName("m", "float32", "t", format="tfjs"))
    (broken,) = [one for one in judge_edge(rules, [found], 16, own_integers={"y"}) if not one.passed]
    assert "33.3% of 192 values (16 of 16 samples have some that differ)" in broken.message
    scores = np.random.default_rng(0).normal(size=(2, 50, 3)).astype(np.float32)
    other = compare("y", scores[:, :, ::-1], scores, ranked=True)
    assert other.answers == 100
    messages = [one.message for one in judge_edge(rules, [other], 2)]
    assert any("of 100 rows of scores in 2 samples" in message for message in messages)


def test_an_output_that_never_held_a_value_is_not_passed():
    info = TensorInfo(name="kept", tensor="kept", index=0, shape=(4,), dtype="float32")
    empty = np.zeros((8, 0, 4), np.float32)
    seen = compare_edges(
        {"kept": empty}, {"kept": empty}, {"kept": empty}, (info,), task="regression", reference_name="a reference"
    )
    checks = judge(CaseName("m", "float32", "t", format="tfjs"), seen, None, Measured(), Policy())
    (broken,) = [check for check in checks if not check.passed]
    assert broken.rule == "parity.measured"
    assert "Nothing was compared of output 'kept'" in broken.message
    assert "8 samples" in broken.message


@pytest.mark.parametrize(
    ("changed", "samples", "available", "passed", "words"),
    [
        (1, 8, 8, False, "another answer for 12.5%"),  # all that there are: the share is what it is
        (1, 8, 128, True, "undecided"),  # 1 of 8 may well be 1 of 128
        (5, 8, 128, False, "another answer for 62.5%"),  # no luck makes 5 of 8 out of 1 %
        (0, 8, 128, True, ""),
    ],
)
def test_answers_of_a_sample_break_a_rule_only_where_their_interval_does(changed, samples, available, passed, words):
    rule = ParityRule(edge="runtime", metric="top1_agreement", limit=0.99, source="a test")
    found = compare("out", GOLDEN[:samples] + np.float32(0.5), GOLDEN[:samples], FLOAT, FLOAT, ranked=True)
    found = found.model_copy(update={"top1_agreement": 1.0 - changed / samples, "answers": samples})
    rules = EdgeRules(
        Policy(parity=(rule,)),
        "runtime",
        CaseName("m", "float32", "t", format="tfjs"),
        None,
        samples,
        samples < available,
    )
    (check,) = [one for one in judge_edge(rules, [found], samples) if one.rule.endswith("top1_agreement")]
    assert check.passed is passed
    assert words in check.message
