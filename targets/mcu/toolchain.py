"""Builds the firmware, and the host library of the same kernels; both are cached by the content of what they come from.

Why this compiler: see firmware/README.md.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from harness.errors import HarnessError, Unavailable

from .boards import Board

SOURCES = Path(__file__).parent / "firmware"
_GCC = "arm-none-eabi-gcc"
_DEVICE_ONLY = ("startup.c", "clock.c", "memory.c")
_HOST_ONLY = ("host_library.c", "host_runner.c")
_COMMON_FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-fno-common")
_ARCHITECTURE = {
    "cortex-m3": ("-mcpu=cortex-m3", "-mthumb", "-mfloat-abi=soft"),
    "cortex-m4": ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
    "cortex-m7": ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"),
    "cortex-m33": ("-mcpu=cortex-m33", "-mthumb", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"),
}
_DEVICE_FLAGS = (
    "-O2",
    "-g",
    "-ffreestanding",
    "-ffunction-sections",
    "-fdata-sections",
    # memcpy must not be compiled into a call of itself.
    "-fno-tree-loop-distribute-patterns",
)


class BuildFailed(HarnessError):
    """The compiler refused the firmware; the message holds its first words."""


@dataclass(frozen=True)
class Firmware:
    """A built image. `sections` are sizes in bytes; `arena_room` is the RAM left for a model's arena."""

    elf: Path
    sha256: str
    sections: dict[str, int]
    arena_room: int


def device_sources(board: Board) -> list[Path]:
    """C files of one board's image."""
    ports = {f"board_{port}.c" for port in ("mps2", "stm32f4")} - {f"board_{board.firmware_port}.c"}
    return sorted(p for p in SOURCES.glob("*.c") if p.name not in ports and p.name not in _HOST_ONLY)


def host_sources() -> list[Path]:
    """C files that are the same on the host: executor and kernels."""
    apart = {*_DEVICE_ONLY, *_HOST_ONLY, "job.c", "frames.c"}
    return sorted(p for p in SOURCES.glob("*.c") if p.name not in apart and not p.name.startswith("board_"))


@functools.cache
def device_compiler() -> tuple[Path, str]:
    """The cross-compiler and its version line."""
    found = shutil.which(_GCC)
    if found is None:
        raise Unavailable(f"{_GCC} is not on the PATH: install it (Debian: apt install gcc-arm-none-eabi).")
    line = subprocess.run([found, "--version"], capture_output=True, text=True, check=True, timeout=60)
    return Path(found), line.stdout.splitlines()[0]


def _digest(parts: list[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _all_source_bytes() -> list[bytes]:
    return [
        content
        for path in sorted(SOURCES.iterdir())
        if path.suffix in (".c", ".h", ".ld")
        for content in (path.name.encode(), path.read_bytes())
    ]


def _build(command: list[str | Path], target: Path) -> None:
    """Runs a compiler whose last argument is to be the output; the result appears whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as name:
        output = Path(name) / target.name
        built = subprocess.run(
            [*map(str, command), "-o", str(output)],
            cwd=SOURCES,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env={**os.environ, "LC_ALL": "C"},
        )
        if built.returncode != 0:
            raise BuildFailed(f"{command[0]} failed on the firmware: {' '.join(built.stderr.split())[:400]}")
        output.replace(target)


def build_firmware(board: Board, cache: Path) -> Firmware:
    """The image for a board, built if `cache` has none of these sources, flags and compiler."""
    compiler, version = device_compiler()
    flags = [*_ARCHITECTURE[board.cpu], *_COMMON_FLAGS, *_DEVICE_FLAGS]
    key = _digest([version.encode(), " ".join(flags).encode(), board.firmware_port.encode(), *_all_source_bytes()])
    elf = cache / "firmware" / f"{board.firmware_port}-{board.cpu}-{key[:16]}.elf"
    if not elf.exists():
        linker = ["-nostartfiles", "-nostdlib", "-Wl,--gc-sections", "-Wl,--build-id=none", "-T", f"board_{board.firmware_port}.ld"]
        # Debug information would otherwise hold this machine's paths, and change the image with them.
        mapping = f"-ffile-prefix-map={SOURCES}=firmware"
        _build([compiler, *flags, mapping, *linker, *(p.name for p in device_sources(board)), "-lgcc"], elf)
    return describe_firmware(elf)


def describe_firmware(elf: Path) -> Firmware:
    """Reads an image's section sizes and the room it leaves."""
    try:
        with elf.open("rb") as stream:
            image = ELFFile(stream)
            sections = {s.name: s["sh_size"] for s in image.iter_sections() if s["sh_flags"] & 2 and s["sh_size"]}
            symbols = {s.name: s["st_value"] for s in image.get_section_by_name(".symtab").iter_symbols()}
    except (ELFError, OSError, AttributeError) as error:
        raise BuildFailed(f"{elf} is not a firmware image: {error}.") from None
    room = symbols["arena_end"] - symbols["arena_start"]
    return Firmware(elf, hashlib.sha256(elf.read_bytes()).hexdigest(), sections, room)


@functools.cache
def host_compiler() -> tuple[Path, str]:
    """A C compiler for this machine, and its version line."""
    for name in ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found is not None:
            line = subprocess.run([found, "--version"], capture_output=True, text=True, check=True, timeout=60)
            return Path(found), line.stdout.splitlines()[0]
    raise Unavailable("There is no C compiler on the PATH: install one (Debian: apt install gcc).")


def build_host_library(cache: Path) -> Path:
    """The executor and kernels as a shared library for this machine (see firmware/host_library.c)."""
    return _build_host(cache, "libkernels.so", ["-O2", "-shared", "-fPIC"], [*host_sources(), SOURCES / "host_library.c"])


def build_host_runner(cache: Path, sanitise: bool) -> Path:
    """The job runner as a program of this machine; with the address and undefined-behaviour sanitisers if asked."""
    flags = ["-O1", "-g"]
    if sanitise:
        flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    sources = [*host_sources(), SOURCES / "job.c", SOURCES / "frames.c", SOURCES / "host_runner.c"]
    return _build_host(cache, "job-runner-sanitised" if sanitise else "job-runner", flags, sources)


def _build_host(cache: Path, name: str, flags: list[str], sources: list[Path]) -> Path:
    compiler, version = host_compiler()
    key = _digest([version.encode(), " ".join(flags).encode(), *_all_source_bytes()])
    target = cache / "host" / key[:16] / name
    if not target.exists():
        _build([compiler, *_COMMON_FLAGS, *flags, *(p.name for p in sources)], target)
    return target
