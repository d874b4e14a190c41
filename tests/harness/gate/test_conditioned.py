"""Limits that follow from a model's own conditioning: sharper than the usual one, or laxer, and said where from."""

import numpy as np
import pytest

from harness.artifact import Quantisation, TensorInfo
from harness.case_name import CaseName
from harness.gate.conditioned import conditioned
from harness.gate.judge import judge
from harness.gate.policy import ParityRule, Policy
from harness.parity.edges import compare_edges
from harness.store.record import Conditioning, Measured, OutputConditioning

RANDOM = np.random.default_rng(7)
GOLDEN = RANDOM.normal(size=(200, 1, 10)).astype(np.float32)
FLOAT = TensorInfo(name="out", tensor="t", index=0, shape=(1, 10), dtype="float32")
INT8 = FLOAT.model_copy(update={"dtype": "int8", "quantisation": Quantisation(scale=0.04, zero_point=0)})


def conditioning(sqnr_db, peak=1e-9, steps=None, step=None, samples=200):
    figures = OutputConditioning(output="out", sqnr_db=sqnr_db, peak=peak, steps=steps, step=step)
    return Conditioning(samples=samples, draws=8, outputs=(figures,))


def broken(actual, seen, *, reference=GOLDEN, info=FLOAT, variant="float32", target="tflite/one", rules=()):
    figures = compare_edges(
        {"out": GOLDEN}, {"out": reference}, {"out": actual}, (info,), task="regression", reference_name="reference"
    )
    figures = figures.model_copy(update={"conditioning": seen})
    name = CaseName("m", variant, target, format=target.partition("/")[0])
    checks = judge(name, figures, None, Measured(), Policy().with_rules(*rules))
    return {check.rule: check for check in checks if not check.passed}


def off_by(decibels, values=GOLDEN):
    """`values` with noise so far below them."""
    return (values * (1 + RANDOM.normal(0, 10 ** (-decibels / 20), values.shape))).astype(np.float32)


def integers(steps=0):
    stored = INT8.to_stored(GOLDEN).astype(np.int32)
    return np.clip(stored + steps, -128, 127).astype(np.int8)


class TestFloat:
    def test_a_fault_of_ten_in_a_million_is_found_in_a_model_that_moves_by_less(self):
        assert not broken(off_by(100), None)
        found = broken(off_by(100), conditioning(125))
        assert "parity.runtime.sqnr_db" in found
        assert found["parity.runtime.sqnr_db"].limit == pytest.approx(125 - 6.02, abs=0.01)

    def test_an_ill_conditioned_model_gives_no_false_alarm(self):
        assert broken(off_by(67), None)
        assert not broken(off_by(67), conditioning(66.9, peak=2e-3))

    def test_the_limit_says_where_it_comes_from(self):
        source = broken(off_by(100), conditioning(125))["parity.runtime.sqnr_db"].source
        assert "own conditioning (8 draws, 200 samples; docs/limits.md)" in source
        assert "125.0 dB" in source

    def test_the_conversion_of_a_float32_variant_is_held_to_it_too(self):
        found = broken(off_by(100), conditioning(125), reference=off_by(100))
        assert "parity.conversion.sqnr_db" in found

    def test_rounded_weights_are_judged_as_before(self):
        reference = off_by(60)
        assert not broken(reference, conditioning(125), reference=reference, variant="float16")

    def test_a_limit_by_hand_goes_first(self):
        rule = ParityRule(edge="runtime", metric="sqnr_db", limit=90, source="by hand")
        assert not broken(off_by(100), conditioning(125), rules=[rule])

    def test_past_a_tenth_of_the_signal_there_is_the_least_margin(self):
        """MoveNet, one draw: sound kernels at 13.24 dB where it was left at 13.22."""
        assert not broken(off_by(16), conditioning(18, peak=10))
        assert broken(off_by(14), conditioning(18, peak=10))["parity.runtime.sqnr_db"].limit == 15
        assert broken(off_by(14), conditioning(23, peak=10))["parity.runtime.sqnr_db"].limit == 20
        assert broken(off_by(14), conditioning(21, peak=10))["parity.runtime.sqnr_db"].limit == 18

    def test_samples_that_were_not_looked_at_may_move_farther(self):
        assert broken(off_by(105), conditioning(115, samples=200))
        assert not broken(off_by(105), conditioning(115, samples=10, peak=1e-5))

    def test_few_values_show_the_power_of_an_error_badly(self):
        """MediaPipe's hand_landmark_full, 11 samples of one value: XNNPACK 0.7 dB beyond the limit for many."""
        rule = ParityRule(edge="runtime", metric="sqnr_db", limit=80, source="usual", conditioned=True)
        figures = conditioning(117.1, samples=11)
        for values, limit in ((1_000_000, 111.1), (125, 111.1), (11, 103.1), (2, 74.1)):
            found = conditioned(rule, figures.outputs[0], figures, 11, values)
            assert found.limit == pytest.approx(limit, abs=0.2), values

    def test_an_output_without_a_figure_keeps_the_usual_limit(self):
        assert broken(off_by(70), conditioning(None))["parity.runtime.sqnr_db"].limit == 80

    def test_a_conditioning_that_could_not_be_measured_keeps_the_usual_limit(self):
        assert broken(off_by(70), Conditioning(samples=0, draws=0, problem="too large"))

    def test_one_value_may_go_as_far_as_one_went_in_the_draws(self):
        actual = GOLDEN.copy()
        actual[0, 0, 0] += 0.005
        assert set(broken(actual, conditioning(60))) == set()
        assert set(broken(actual, conditioning(120))) >= {"parity.runtime.peak"}


class TestSteps:
    def test_a_kernel_that_is_15_steps_wrong_in_a_model_that_moves_by_3(self):
        stored, wrong = integers(), integers()
        wrong[0, 0, 0] += 15
        assert not broken(wrong, None, reference=stored, info=INT8, variant="int8")
        found = broken(wrong, conditioning(35, steps=3), reference=stored, info=INT8, variant="int8")
        assert found["parity.runtime.max_lsb"].limit == 6
        assert "moves it by 3 steps" in found["parity.runtime.max_lsb"].source

    def test_all_values_two_steps_off_in_a_model_that_hardly_moves(self):
        found = broken(integers(2), conditioning(45, steps=1), reference=integers(), info=INT8, variant="int8")
        assert set(found) == {"parity.runtime.sqnr_db"}

    def test_where_nothing_moved_a_tie_may_still_go_the_other_way(self):
        stored, other = integers(), integers()
        other[3, 0, 2] += 1
        assert not broken(other, conditioning(48, steps=0), reference=stored, info=INT8, variant="int8")
        other[3, 0, 2] += 1
        assert broken(other, conditioning(48, steps=0), reference=stored, info=INT8, variant="int8")

    def test_past_what_a_softmax_makes_of_sound_logits_a_jump_goes_twice_as_far_as_one_that_was_seen(self):
        """MoveNet, one draw: sound kernels 148 steps apart where it moved by 98."""
        stored, wrong = integers(), integers()
        wrong[0, 0, 0] += 45
        assert broken(wrong, conditioning(12, steps=19), reference=stored, info=INT8, variant="int8")
        assert not broken(wrong, conditioning(12, steps=30), reference=stored, info=INT8, variant="int8")
        assert broken(wrong, conditioning(12, steps=22), reference=stored, info=INT8, variant="int8")

    def test_targets_that_have_to_be_exact_stay_exact(self):
        found = broken(
            integers(1), conditioning(20, steps=9), reference=integers(), info=INT8, variant="int8", target="mcu/board"
        )
        assert "parity.runtime.max_lsb" in found or "parity.runtime.amplified_lsb" in found

    def test_a_limit_by_hand_goes_first(self):
        rule = ParityRule(edge="runtime", metric="max_lsb", limit=20, source="by hand")
        stored, wrong = integers(), integers()
        wrong[0, 0, 0] += 15
        found = broken(wrong, conditioning(35, steps=3), reference=stored, info=INT8, variant="int8", rules=[rule])
        assert not found

    def test_floats_that_are_multiples_of_a_step_are_judged_by_steps(self):
        step = 6 / 255
        exact = (np.round(GOLDEN / step) * step).astype(np.float32)
        other = exact.copy()
        other[0, 0, :2] += np.float32(step)
        seen = conditioning(45, peak=0, steps=0, step=step)
        assert broken(other, None, reference=exact)
        assert "parity.runtime.max_lsb" not in broken(other, seen, reference=exact)
        assert "parity.runtime.peak" not in broken(other, seen, reference=exact)
        other[0, 0, 0] += np.float32(step)
        assert "parity.runtime.max_lsb" in broken(other, seen, reference=exact)


def test_rounded_weights_may_turn_a_value_on_a_tie_by_its_one_step():
    step = np.float32(0.05)
    reference = GOLDEN.copy()
    reference[0, 0, 0] += step
    coarse = conditioning(45, peak=0, steps=1, step=float(step))
    assert "parity.conversion.peak" in broken(reference, None, reference=reference, variant="float16")
    assert "parity.conversion.peak" not in broken(reference, coarse, reference=reference, variant="float16")


def test_dynamic_ranges_are_held_to_what_their_activations_cost():
    assert not broken(off_by(40), conditioning(45), variant="dynamic", reference=GOLDEN)
    assert broken(off_by(30), conditioning(45), variant="dynamic", reference=GOLDEN)
