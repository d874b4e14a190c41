"""A ready artifact is judged by the numeric scheme that its own file shows, and a project's own variant as its base."""

import pytest

from harness.case_name import CaseName
from harness.gate.judge_case import judge_case
from harness.gate.policy import Policy
from harness.store.record import Comparison, Measured, Parity


def compared(sqnr_db, max_lsb=None):
    return Comparison(
        output="y",
        finite=True,
        elements=10,
        max_abs=0.01,
        mean_abs=0.001,
        rmse=0.001,
        sqnr_db=sqnr_db,
        cosine=1.0,
        max_lsb=max_lsb,
        differing_share=None if max_lsb is None else 0.1,
        smallest_tolerance=0.01,
    )


def broken(scheme, runtime, target="tflite/litert-xnnpack"):
    golden = compared(200.0)  # real units: a ready file's golden is its own reference
    parity = Parity(samples=100, reference="r", conversion=(golden,), runtime=(runtime,), end_to_end=(golden,))
    checks = judge_case(
        CaseName("m", "ready", target, format="tflite"), parity, None, Measured(), {}, Policy(), scheme=scheme
    )
    return [check.metric for check in checks if not check.passed]


@pytest.mark.parametrize(
    ("scheme", "runtime"),
    [("int8", compared(37.7, max_lsb=9)), ("dynamic", compared(35.5)), ("float32", compared(120.0))],
)
def test_noise_of_its_own_scheme_is_no_fault(scheme, runtime):
    assert broken(scheme, runtime) == []


def test_noise_of_another_scheme_is_one():
    assert broken("float32", compared(35.5))


def test_an_int8_file_has_to_be_exact_on_a_microcontroller():
    assert broken("int8", compared(60.0, max_lsb=1), "mcu/qemu-cortex-m4")


def test_an_own_variant_is_judged_as_its_base():
    cost, noise = compared(37.7), compared(37.7, max_lsb=9)
    parity = Parity(samples=100, reference="r", conversion=(cost,), runtime=(noise,), end_to_end=(cost,))

    def all_hold(base):
        case = CaseName("m", "newer", "tflite/litert-xnnpack", format="tflite", base=base)
        return all(check.passed for check in judge_case(case, parity, None, Measured(), {}, Policy()))

    assert all_hold("int8")
    assert not all_hold(""), "what nobody knows is held to float32's limits"
