"""The default policy, and how rules are chosen."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from harness.case_name import CaseName
from harness.gate.policy import DEFAULT_PARITY, FigureLimit, ParityRule, Policy, TaskRule

TFLITE = ("float32", "float16", "dynamic", "int8", "int8-float-io", "uint8", "int16x8")
TFJS = ("float32", "float16", "uint8", "uint16")
CASES = [("tflite", name) for name in TFLITE] + [("tfjs", name) for name in TFJS] + [("other", "unheard-of")]


def limit(edge, metric, variant, format="tflite", target="tflite/x", policy=None):
    rule = (policy or Policy()).parity_rule(edge, metric, CaseName("m", variant, target, format=format))
    return None if rule is None else rule.limit


@pytest.mark.parametrize(("format", "variant"), CASES)
@pytest.mark.parametrize("edge", ["conversion", "runtime"])
def test_every_variant_has_a_limit_relative_to_its_outputs_range_on_both_edges(edge, format, variant):
    assert limit(edge, "sqnr_db", variant, format) >= 20
    assert limit(edge, "top1_agreement", variant, format) >= 0.98


def test_coarser_variants_are_asked_for_less():
    order = ["float32", "uint16", "float16", "int16x8", "int8"]
    limits = [limit("conversion", "sqnr_db", variant) for variant in order]
    assert limits == sorted(limits, reverse=True)


QUANTISED = {
    "int8-weights": (23, 80, None),
    "int4-weights": (10, 80, None),
    "int8-dynamic": (20, 20, None),
    "int4-dynamic": (10, 20, None),
    "int4-blocks": (10, 20, None),
    "int8-static": (20, 20, 0),
    "int16-static": (23, 20, 0),
    "int4-static": (10, 20, 0),
}


@pytest.mark.parametrize("variant", QUANTISED)
def test_what_the_quantiser_makes_is_held_to_its_weights_and_to_what_computes_with_them(variant):
    conversion, runtime, steps_on_a_board = QUANTISED[variant]
    assert limit("conversion", "sqnr_db", variant) == conversion
    assert limit("runtime", "sqnr_db", variant) == runtime
    if steps_on_a_board is not None:
        assert limit("runtime", "max_lsb", variant, target="mcu/qemu-cortex-m4") == steps_on_a_board
    own = CaseName("m", "mine", "tflite/x", format="tflite", base=variant)
    assert Policy().parity_rule("conversion", "sqnr_db", own).limit == conversion


def test_a_variant_that_nobody_knows_is_held_to_the_strictest():
    assert limit("conversion", "sqnr_db", "mine") == limit("conversion", "sqnr_db", "float32") == 80


@pytest.mark.parametrize(
    "base", ["int8", "float16", "dynamic", "int16x8", "uint8", "int8-weights", "int4-blocks", "int16-static"]
)
@pytest.mark.parametrize("edge", ["conversion", "runtime"])
def test_a_projects_own_variant_is_held_to_what_its_base_is_held_to(edge, base):
    """As `newer`, which is int8 by another converter, to stand beside the usual one."""
    for metric in ("sqnr_db", "peak", "max_lsb"):
        own = CaseName("m", "newer", "tflite/litert-xnnpack", format="tflite", base=base)
        usual = Policy().parity_rule(edge, metric, replace(own, variant=base, base=""))
        assert Policy().parity_rule(edge, metric, own) == usual


def test_of_rules_for_an_own_variant_and_for_its_base_the_first_decides():
    mine = ParityRule(edge="runtime", metric="sqnr_db", limit=33, source="ours", variant="newer")
    usual = ParityRule(edge="runtime", metric="sqnr_db", limit=22, source="ours", variant="int8")
    for first, second in ((mine, usual), (usual, mine)):
        policy = Policy(parity=(first, second, *Policy().parity))
        assert (
            policy.parity_rule("runtime", "sqnr_db", CaseName("m", "newer", "t", format="tflite", base="int8")) is first
        )


def test_integer_kernels_may_differ_by_a_few_steps_and_after_a_softmax_by_more():
    assert (limit("runtime", "max_lsb", "int8"), limit("runtime", "amplified_lsb", "int8")) == (3, 38)


@pytest.mark.parametrize("target", ["tflite/litert-xnnpack", "tflm/host", "mcu/qemu-cortex-m4"])
@pytest.mark.parametrize("metric", ["max_lsb", "amplified_lsb", "sqnr_db", "peak", "top1_agreement"])
def test_int8_kernels_are_held_to_the_same_whatever_the_type_of_their_inputs(metric, target):
    expected = limit("runtime", metric, "int8", target=target)
    assert limit("runtime", metric, "int8-float-io", target=target) == expected
    assert limit("runtime", metric, "uint8", target=target) == expected


def test_peaks_are_no_measure_of_eight_bits():
    assert limit("conversion", "peak", "int8") is limit("runtime", "peak", "dynamic") is None
    assert limit("conversion", "peak", "float32") == 1e-3


def test_weights_only_variants_of_tfjs_are_held_to_float32_at_run_time():
    assert limit("runtime", "sqnr_db", "uint8", "tfjs", "tfjs/chromium-wasm") == 60


def test_every_default_states_its_source():
    assert all(len(rule.source) > 40 for rule in DEFAULT_PARITY)
    assert "MLPerf" in TaskRule().source


def test_a_users_rule_goes_first_and_only_where_it_matches():
    rule = ParityRule(
        edge="runtime", metric="sqnr_db", limit=40, source="our phones", variant="int8*", target="tflite/litert-*"
    )
    policy = Policy().with_rules(rule)
    assert limit("runtime", "sqnr_db", "int8-float-io", target="tflite/litert-xnnpack", policy=policy) == 40
    assert limit("runtime", "sqnr_db", "int8-float-io", target="tflite/tensorflow", policy=policy) == 20
    assert limit("conversion", "sqnr_db", "int8", policy=policy) == 20


def test_a_rule_can_be_switched_off():
    off = ParityRule(edge="conversion", metric="sqnr_db", limit="off", source="retrained on purpose")
    assert limit("conversion", "sqnr_db", "float32", policy=Policy().with_rules(off)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": float("nan")},
        {"limit": "of"},
        {"source": ""},
        {"metric": "sqnr"},
        {"edge": "both"},
        {"unknown": 1},
    ],
)
def test_an_impossible_rule_is_refused(wrong):
    right = {"edge": "runtime", "metric": "sqnr_db", "limit": 20, "source": "theory"}
    ParityRule(**right)
    with pytest.raises(ValidationError):
        ParityRule(**{**right, **wrong})


def test_impossible_margins_and_budgets_are_refused():
    for wrong in ({"margin": -0.1}, {"margin": 1.0}, {"confidence": 1.0}, {"undecided": "maybe"}, {"source": ""}):
        with pytest.raises(ValidationError):
            TaskRule(**wrong)
    with pytest.raises(ValidationError):
        FigureLimit(figure="arena_bytes", limit=1.5, source="x")


def test_it_survives_being_written_and_read():
    assert Policy.model_validate_json(Policy().model_dump_json()) == Policy()
