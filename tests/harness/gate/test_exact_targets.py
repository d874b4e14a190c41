"""Firmware has TensorFlow Lite Micro's kernels: one LSB off their bytes fails there, and only there."""

import pytest

from harness.case_name import CaseName
from harness.gate.policy import Policy


@pytest.mark.parametrize("target", ["mcu/qemu-cortex-m4", "mcu/renode-cortex-m4"])
@pytest.mark.parametrize("variant", ["int8", "int8-float-io", "int16x8"])
def test_not_one_lsb_is_allowed_on_a_microcontroller(target, variant):
    policy = Policy()
    for metric in ("max_lsb", "amplified_lsb"):
        rule = policy.parity_rule("runtime", metric, CaseName("m", variant, target, format="tflite"))
        assert (rule.limit, rule.bytes_of) == (0, "tflm/host")


@pytest.mark.parametrize("target", ["tflite/litert-xnnpack", "tflm/host"])
def test_interpreters_may_differ_as_kernel_families_do(target):
    rule = Policy().parity_rule("runtime", "max_lsb", CaseName("m", "int8", target, format="tflite"))
    assert (rule.limit, rule.conditioned, rule.bytes_of) == (3, True, "")
