"""Boards of silicon: what the firmware needs to know of them, and how the tools that flash them call them.

Figures come from the boards' user manuals (UM1472, UM1724). None of them was at hand when this was written: the
firmware of the first runs under QEMU, whose machine of the same chip has no clocks and no pins to set.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from . import Board


@dataclass(frozen=True)
class SiliconBoard:
    """`board` as the firmware sees it; `platforms` are Zephyr's names of it, as a hardware map has them."""

    board: Board
    platforms: tuple[str, ...]
    pyocd: str
    openocd: str
    """OpenOCD's script of the board."""
    probe_rs: str

    def at(self, baud: int) -> Board:
        """The board with its line at another speed."""
        return replace(self.board, baud=baud)


DEFAULT_BAUD = 115_200
BAUDS = range(2400, 2_000_001)
"""What the divider of either chip's USART can be set to, which has 16 bits and is 16 at least (RM0090, RM0351)."""

STM32F4_DISCOVERY = SiliconBoard(
    Board(
        name="stm32f4-disco",
        cpu="cortex-m4",
        description="STM32F4-Discovery (STM32F407VG, 168 MHz)",
        firmware_port="stm32f4_disco",
        flash_bytes=1 << 20,
        ram_bytes=128 << 10,
        job_address=None,
        job_bytes=0,
        baud=DEFAULT_BAUD,
    ),
    platforms=("stm32f4_disco",),
    pyocd="stm32f407vg",
    openocd="board/stm32f4discovery.cfg",
    probe_rs="STM32F407VG",
)

NUCLEO_L476RG = SiliconBoard(
    Board(
        name="nucleo-l476rg",
        cpu="cortex-m4",
        description="Nucleo-L476RG (STM32L476RG, 80 MHz)",
        firmware_port="nucleo_l476rg",
        flash_bytes=1 << 20,
        ram_bytes=96 << 10,
        job_address=None,
        job_bytes=0,
        baud=DEFAULT_BAUD,
    ),
    platforms=("nucleo_l476rg",),
    pyocd="stm32l476rg",
    openocd="board/st_nucleo_l4.cfg",
    probe_rs="STM32L476RG",
)

SILICON = {entry.board.name: entry for entry in (STM32F4_DISCOVERY, NUCLEO_L476RG)}
