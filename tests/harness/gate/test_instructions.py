"""Instructions on a phone's core are held to the digit, whatever is new: artifact, converter or runtime."""

import pytest

from harness.case_name import CaseName
from harness.gate.judge_run import judge_run
from harness.gate.policy import Policy
from harness.store.record import Measured
from tests.harness.gate.made_up import artifact, baseline, case, run, tflite

NAME = "keyword/int8/tflite/arm64-cortex-a76"


def counted(instructions, exact=True, **fields):
    figures = {"artifact_bytes": 1000, "instructions": instructions}
    found = case(NAME, measured=figures, simulated=True, **fields)
    held = tuple(figures) if exact else ("artifact_bytes",)
    return found.model_copy(update={"measured": Measured(figures=figures, exact=held)})


def growth(before, now):
    (judged,) = judge_run(run(now), Policy(), baseline(before), tflite).verdicts
    return next((check for check in judged.checks if check.metric == "instructions"), None)


@pytest.mark.parametrize("now", [101_000, 100_100, 100_001])
def test_one_percent_and_one_instruction_more_are_findings(now):
    check = growth(counted(100_000), counted(now))
    assert not check.passed
    assert f"instructions grew from 100000 to {now}" in check.message
    assert "Equal at every run" in check.source


def test_what_costs_nothing_passes_though_artifact_and_runtime_are_new():
    new = counted(100_000, artifact=artifact("b" * 64, "l" * 64), fingerprint={"runtime": "2.0"})
    assert growth(counted(100_000), new).passed


def test_fewer_pass_and_are_said():
    check = growth(counted(100_000), counted(90_000))
    assert check.passed
    assert "shrank" in check.message


def test_kernels_whose_count_is_not_exact_are_held_against_an_exact_baseline_all_the_same():
    """The builtin kernels in place of XNNPACK's."""
    assert not growth(counted(710_690), counted(757_123, exact=False)).passed


def test_what_was_not_exact_is_no_baseline():
    assert growth(counted(100_000, exact=False), counted(120_000, exact=False)) is None


def test_a_count_that_is_gone_is_a_finding():
    gone = case(NAME, measured={"artifact_bytes": 1000}, simulated=True)
    assert "was not measured now" in growth(counted(100_000), gone).message


def test_phones_and_boards_have_one_rule():
    policy = Policy()
    phone, board = (
        policy.growth_rule("instructions", CaseName("m", "int8", target, format="tflite"))
        for target in ("tflite/arm64-cortex-a53", "mcu/qemu-cortex-m4")
    )
    assert phone == board
    assert phone.percent == 0.0
