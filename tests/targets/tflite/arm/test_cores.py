"""What an emulated core tells a runtime of itself."""

from harness_targets.tflite.arm.cores import CORES
from harness_targets.tflite.arm.hardware import features_of


def test_a_core_names_itself_as_the_processor_does():
    cpuinfo = CORES["cortex-a53"].files()["proc/cpuinfo"]
    assert "CPU implementer\t: 0x41\n" in cpuinfo
    assert "CPU part\t: 0xd03\n" in cpuinfo
    assert CORES["cortex-a76"].files()["sys/devices/system/cpu/present"] == "0\n"


def test_features_have_the_kernels_names():
    assert features_of(0b11, 0) == "fp asimd"
    assert features_of(1 << 20, 1 << 13) == "asimddp i8mm"


def test_an_unknown_bit_is_left_out():
    assert features_of(1 << 63, 1 << 62) == ""


def test_only_newer_cores_have_the_dot_product():
    assert {name for name, core in CORES.items() if "asimddp" in core.features} == {
        "cortex-a55",
        "cortex-a76",
        "cortex-a710",
    }
