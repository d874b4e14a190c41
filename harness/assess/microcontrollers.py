"""Profiles of microcontrollers, smallest first: what a model has to fit into beside the program."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024


@dataclass(frozen=True)
class Profile:
    """Flash and RAM of a usual part, in bytes, and whether its core has a floating-point unit."""

    name: str
    flash_bytes: int
    ram_bytes: int
    has_float_unit: bool = True


PROFILES = (
    Profile("Cortex-M0+ class (128 KiB flash, 16 KiB RAM)", 128 * KIB, 16 * KIB, has_float_unit=False),
    Profile("Cortex-M3 class (256 KiB flash, 64 KiB RAM)", 256 * KIB, 64 * KIB, has_float_unit=False),
    Profile("Cortex-M4 class (512 KiB flash, 128 KiB RAM)", 512 * KIB, 128 * KIB),
    Profile("STM32F4 Discovery (1 MiB flash, 192 KiB RAM)", 1024 * KIB, 192 * KIB),
    Profile("nRF52840 / Nano 33 BLE (1 MiB flash, 256 KiB RAM)", 1024 * KIB, 256 * KIB),
    Profile("Cortex-M7 class (2 MiB flash, 512 KiB RAM)", 2048 * KIB, 512 * KIB),
    Profile("MPS2 (4 MiB flash, 4 MiB RAM)", 4096 * KIB, 4096 * KIB),
)
PROGRAM_FLASH_BYTES = 64 * KIB
"""What the interpreter, its kernels and the start-up code take: TensorFlow Lite Micro with a dozen operators."""
PROGRAM_RAM_BYTES = 4 * KIB
"""Stack and the program's own data."""


FLOAT_SCHEMES = ("float32", "float16", "dynamic")
"""Numeric schemes whose activations are floats: a core without a floating-point unit runs them in software, at tens of
times the cost."""


def smallest(model_bytes: int, arena_bytes: int, *, floats: bool = False) -> Profile | None:
    """The first profile that takes the model in flash and its arena in RAM beside the program, and has a floating-point
    unit if the model computes in `floats`; None if none does."""
    for profile in PROFILES:
        if floats and not profile.has_float_unit:
            continue
        fits_flash = model_bytes + PROGRAM_FLASH_BYTES <= profile.flash_bytes
        if fits_flash and arena_bytes + PROGRAM_RAM_BYTES <= profile.ram_bytes:
            return profile
    return None
