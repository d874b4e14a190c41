"""Microcontrollers as targets: the project's firmware on QEMU and Renode, with its plan runtime or with the user's own
TensorFlow Lite Micro in it, and on boards at the end of a serial line."""

from __future__ import annotations

import os

from harness.target import Target

from .boards import BOARDS
from .boards.silicon import SILICON
from .emulator.run import EMULATORS
from .line.target import SerialTarget
from .micro.library import LIBRARY_VARIABLE
from .micro.target import LibraryTarget
from .plan_target import PlanTarget


def targets() -> list[Target]:
    """Every board on every emulator that has it; the default matrix takes the Cortex-M4 on both, the M3 and a stock
    board on QEMU, and the user's own library once there is one."""
    qemu, renode = EMULATORS["qemu"], EMULATORS["renode"]
    usual = ("int8",)
    rows = (
        ("mcu/qemu-cortex-m4", qemu, "mps2-cortex-m4", usual),
        ("mcu/qemu-cortex-m3", qemu, "mps2-cortex-m3", usual),
        ("mcu/qemu-stm32f4", qemu, "stm32f4", usual),
        ("mcu/renode-cortex-m4", renode, "mps2-cortex-m4", usual),
        ("mcu/renode-cortex-m3", renode, "mps2-cortex-m3", ()),
        ("mcu/renode-cortex-m7", renode, "mps2-cortex-m7", ()),
        ("mcu/renode-cortex-m33", renode, "mps2-cortex-m33", ()),
        ("mcu/renode-stm32f4", renode, "stm32f4", ()),
    )
    library = usual if os.environ.get(LIBRARY_VARIABLE) else ()
    library_rows = (
        ("mcu/qemu-cortex-m4-tflm", qemu, "mps2-cortex-m4", library),
        ("mcu/qemu-cortex-m3-tflm", qemu, "mps2-cortex-m3", ()),
        ("mcu/renode-cortex-m4-tflm", renode, "mps2-cortex-m4", library),
        ("mcu/renode-cortex-m3-tflm", renode, "mps2-cortex-m3", ()),
    )
    return [
        *(PlanTarget(name, emulator, BOARDS[board], variants) for name, emulator, board, variants in rows),
        *(LibraryTarget(name, emulator, BOARDS[board], variants) for name, emulator, board, variants in library_rows),
        *(SerialTarget(kind) for kind in SILICON.values()),
    ]
