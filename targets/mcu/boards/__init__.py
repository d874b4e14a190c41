"""The boards: what memory they have, how each emulator names them, and how ticks become instructions.

Figures come from the boards' own manuals and from the emulators' machine descriptions; a test runs each of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Board:
    """`cpu` is the compiler's name of the core; memory sizes are in bytes. `job_address` is None, and `job_bytes` 0,
    where the job has the flash behind the firmware: each image says where that is.

    On QEMU one instruction lasts 2^`qemu_instruction_shift` ns of virtual time and SysTick counts at `qemu_clock_hz`:
    the shift is chosen so that no instruction is shorter than a tick, which makes the count exact. On Renode both are
    set to the same rate by the harness, so a tick is an instruction.
    """

    name: str
    cpu: str
    description: str
    firmware_port: str
    flash_bytes: int
    ram_bytes: int
    job_address: int | None
    job_bytes: int
    qemu_machine: str | None = None
    qemu_clock_hz: int = 0
    qemu_instruction_shift: int = 0
    renode_platform: str | None = None
    renode_uart: str = ""
    baud: int = 0
    """Characters of ten bits a second of a board that serves a line; 0 of one that finds its job in memory."""

    @property
    def serves(self) -> bool:
        return self.baud > 0

    @property
    def has_float_unit(self) -> bool:
        return self.cpu != "cortex-m3"


_MEGABYTE = 1 << 20


def _mps2(core: str, description: str, qemu_machine: str | None) -> Board:
    """One memory map for all cores of the Arm MPS2, so that their figures differ by the core alone."""
    return Board(
        name=f"mps2-{core}",
        cpu=core,
        description=description,
        firmware_port="mps2",
        flash_bytes=4 * _MEGABYTE,
        ram_bytes=4 * _MEGABYTE,
        job_address=0x21000000,
        job_bytes=16 * _MEGABYTE,
        qemu_machine=qemu_machine,
        qemu_clock_hz=25_000_000,
        qemu_instruction_shift=6,
        renode_platform=f"mps2_{core.replace('-', '_')}.repl",
        renode_uart="sysbus.uart0",
    )


MPS2_CORTEX_M3 = _mps2("cortex-m3", "Arm MPS2 with the AN385 image", "mps2-an385")
MPS2_CORTEX_M4 = _mps2("cortex-m4", "Arm MPS2 with the AN386 image", "mps2-an386")
MPS2_CORTEX_M7 = _mps2("cortex-m7", "Arm MPS2's memory map with a Cortex-M7", None)
MPS2_CORTEX_M33 = _mps2("cortex-m33", "Arm MPS2's memory map with a Cortex-M33", None)
STM32F4 = Board(
    name="stm32f4",
    cpu="cortex-m4",
    description="STM32F405/407: Renode's stm32f4_discovery, QEMU's netduinoplus2",
    firmware_port="stm32f4",
    flash_bytes=1 * _MEGABYTE,
    ram_bytes=128 << 10,
    job_address=None,
    job_bytes=0,
    qemu_machine="netduinoplus2",
    qemu_clock_hz=168_000_000,
    qemu_instruction_shift=3,
    renode_platform="platforms/boards/stm32f4_discovery.repl",
    renode_uart="sysbus.usart1",
)

BOARDS = {board.name: board for board in (MPS2_CORTEX_M3, MPS2_CORTEX_M4, MPS2_CORTEX_M7, MPS2_CORTEX_M33, STM32F4)}
