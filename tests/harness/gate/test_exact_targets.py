"""Microcontroller targets stand for TensorFlow Lite Micro: one LSB off the reference fails there."""

import pytest

from harness.case_name import CaseName
from harness.gate.policy import Policy


@pytest.mark.parametrize("target", ["mcu/qemu-cortex-m4", "mcu/renode-cortex-m4", "tflm/host"])
@pytest.mark.parametrize("variant", ["int8", "int8-float-io"])
def test_not_one_lsb_is_allowed_on_a_microcontroller(target, variant):
    policy = Policy()
    for metric in ("max_lsb", "amplified_lsb"):
        assert policy.parity_rule("runtime", metric, CaseName("m", variant, target, format="tflite")).limit == 0


def test_other_interpreters_may_differ_as_kernel_families_do():
    assert (
        Policy()
        .parity_rule("runtime", "max_lsb", CaseName("m", "int8", "tflite/litert-xnnpack", format="tflite"))
        .limit
        == 3
    )
