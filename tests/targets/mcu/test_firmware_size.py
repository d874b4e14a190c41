"""Executor and int8 kernels stay under the 16 KB that Micro's guide gives for its own core on a Cortex-M3."""

from __future__ import annotations

import re
from pathlib import Path

from elftools.elf.elffile import ELFFile

from harness_targets.mcu.boards import MPS2_CORTEX_M3
from harness_targets.mcu.toolchain import SOURCES, build_firmware

LIMIT = 16 * 1024


def functions_in(file: Path) -> set[str]:
    return set(re.findall(r"^(?:static )?(?:inline )?[\w* ]+?\b\*?(\w+)\(", file.read_text(), re.MULTILINE))


def test_executor_and_int8_kernels_fit_16_kilobytes(firmware_compiler: None, build_cache: Path):
    firmware = build_firmware(MPS2_CORTEX_M3, build_cache)
    shared = ("executor.c", "geometry.c", "crc32.c", "memory.c", "data_movement.c", "matrix_view.c")
    files = [SOURCES / name for name in shared] + sorted(SOURCES.glob("int8_*.c"))
    names = set().union(*(functions_in(file) for file in files))
    with firmware.elf.open("rb") as stream:
        symbols = list(ELFFile(stream).get_section_by_name(".symtab").iter_symbols())
    sizes = {s.name: s["st_size"] for s in symbols if s["st_info"]["type"] == "STT_FUNC" and s.name in names}
    assert {"plan_run", "run_convolution_int8", "run_lstm_int8"} <= set(sizes)
    assert sum(sizes.values()) < LIMIT
