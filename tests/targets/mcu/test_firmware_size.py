"""An image holds what its model uses and no more.

Those of the real int8 models stay under the 16 KB that Micro's guide gives for its own core on a Cortex-M3, with the
kernels, the start-up code and the job runner in them.
"""

from __future__ import annotations

from pathlib import Path

from elftools.elf.elffile import ELFFile

from harness_targets.mcu.boards import MPS2_CORTEX_M3, MPS2_CORTEX_M4
from harness_targets.mcu.plan import plan_model
from harness_targets.mcu.plan.format import STEPS
from harness_targets.mcu.toolchain import Firmware, build_firmware

from .random_operators import random_model
from .test_exactness import REAL_INT8

LIMIT = 16 * 1024


def kernels_in(firmware: Firmware) -> set[str]:
    with firmware.elf.open("rb") as stream:
        symbols = {symbol.name for symbol in ELFFile(stream).get_section_by_name(".symtab").iter_symbols()}
    return {name for name in STEPS if f"run_{name}" in symbols}


def test_the_images_of_real_models_fit_16_kilobytes(firmware_compiler: None, shared_models: Path, build_cache: Path):
    for path in REAL_INT8:
        plan = plan_model((shared_models / path).read_bytes())
        firmware = build_firmware(MPS2_CORTEX_M3, plan.kernels, build_cache)
        assert firmware.sections[".text"] < LIMIT, path


def test_an_image_holds_the_kernels_of_its_plan_alone(firmware_compiler: None, build_cache: Path):
    plan = plan_model(random_model("PAD", "int8", 2).write())
    assert plan.kernels == {"fill", "copy"}
    assert kernels_in(build_firmware(MPS2_CORTEX_M4, plan.kernels, build_cache)) == plan.kernels


def test_every_kernel_can_be_linked(firmware_compiler: None, build_cache: Path):
    assert kernels_in(build_firmware(MPS2_CORTEX_M4, set(STEPS), build_cache)) == set(STEPS)
