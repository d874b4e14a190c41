"""Builds the firmware, and the host library of the same kernels; both are cached by the content of what they come from.

Why this compiler: see firmware/README.md.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from harness.environment import environment
from harness.errors import HarnessError, Unavailable, shortened

from .boards import Board
from .plan.format import STEP_KINDS

SOURCES = Path(__file__).parent / "firmware"
ZIG_VERSION = "0.17.0"
_ANY_DEVICE = ("startup.c", "memory.c")
# What an image that runs the job in memory has, and what one that serves a line has in its place.
_FROM_MEMORY = ("job_once.c", "clock.c")
_OVER_A_LINE = ("job_serve.c", "clock_cycles.c", "flash_checksum.c")
_DEVICE_ONLY = (*_ANY_DEVICE, *_FROM_MEMORY, *_OVER_A_LINE)
_HOST_ONLY = ("host_library.c", "host_runner.c", "host_server.c")
_JOB_RUNNER = ("job.c", "job_check.c", "frames.c")
# Compiled for each set of kernels; all else is compiled once a board.
_KERNEL_TABLE = "kernel_table.c"
_COMMON_FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-fno-common")
# The instruction set and floating-point unit that the board's core has.
_ARCHITECTURE = {
    "cortex-m3": ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3"),
    "cortex-m4": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"),
    "cortex-m7": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m7+fp_armv8d16sp"),
    "cortex-m33": ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m33+fp_armv8d16sp"),
}
_DEVICE_FLAGS = (
    "-ffreestanding",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-sanitize=all",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
)
# The loops where models spend their time are built for speed, everything else for size.
_HOT_SOURCES = ("int16_depthwise.c", "int8_convolution.c", "int8_depthwise.c")


class BuildFailed(HarnessError):
    """The compiler refused the firmware; the message holds its first words."""


@dataclass(frozen=True)
class Firmware:
    """A built image. `sections` are sizes in bytes; `arena_room` is the RAM left for a model's arena; `job_range` are
    the addresses of the flash behind the firmware where a job may lie, None where a board has another place for it."""

    elf: Path
    sha256: str
    sections: dict[str, int]
    arena_room: int
    job_range: tuple[int, int] | None = None

    @property
    def flash_bytes(self) -> int:
        """Code, constants and what static data starts with."""
        return self.sections.get(".text", 0) + self.sections.get(".data", 0)


def device_sources(board: Board) -> list[Path]:
    """C files of one board's image."""
    others = {path.name for path in SOURCES.glob("board_*.c")} - {f"board_{board.firmware_port}.c"}
    apart = {*others, *_HOST_ONLY, *(_FROM_MEMORY if board.serves else _OVER_A_LINE)}
    return sorted(p for p in SOURCES.glob("*.c") if p.name not in apart)


def host_sources() -> list[Path]:
    """C files that are the same on the host: executor and kernels."""
    apart = {*_DEVICE_ONLY, *_HOST_ONLY, *_JOB_RUNNER}
    return sorted(p for p in SOURCES.glob("*.c") if p.name not in apart and not p.name.startswith("board_"))


@functools.cache
def device_compiler() -> tuple[str, ...]:
    """The command of the pinned `zig`, installed on first use: another version would give other instruction counts.

    HARNESS_ZIG names a program to use instead. Raises `Unavailable`.
    """
    if named := os.environ.get("HARNESS_ZIG"):
        command: tuple[str, ...] = (named,)
    else:
        command = (str(environment("zig").python()), "-m", "ziglang")
    try:
        asked = subprocess.run([*command, "version"], capture_output=True, text=True, check=False, timeout=120)
    except OSError as error:
        raise Unavailable(f"The firmware's compiler {command[0]} cannot be started ({error.strerror}).") from error
    version = asked.stdout.strip()
    if version != ZIG_VERSION:
        raise Unavailable(f"The firmware is built with zig {ZIG_VERSION}, and {command[0]} is {version or 'no zig'}.")
    return command


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


def _shared_folder(cache: Path) -> Path:
    """Where what is compiled once for a core or a board is kept: with the compiler, for all projects, as long as that
    folder can be written to."""
    if not os.environ.get("HARNESS_ZIG"):
        installed = environment("zig").python().parents[1]
        if os.access(installed, os.W_OK):
            return installed / "compiled"
    return cache


def _compile(command: list[str], directory: Path, cache: Path, libraries: Path | None = None) -> None:
    """Runs a compiler in `directory`; its own caches stay inside ours, but for the device's `libraries`."""
    built = subprocess.run(
        command,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={
            **os.environ,
            "LC_ALL": "C",
            "ZIG_GLOBAL_CACHE_DIR": str(libraries or cache / "zig"),
            "ZIG_LOCAL_CACHE_DIR": str(cache / "zig"),
        },
    )
    if built.returncode != 0:
        raise BuildFailed(f"The compiler failed on the firmware: {shortened(' '.join(built.stderr.split()), 600)}")


def _device_flags(board: Board) -> tuple[str, ...]:
    baud = (f"-DBOARD_BAUD={board.baud}u",) if board.serves else ()
    return (*_ARCHITECTURE[board.cpu], *_COMMON_FLAGS, *_DEVICE_FLAGS, *baud)


def firmware_fingerprint(board: Board) -> str:
    """Hash of all that decides a board's images beside the choice of kernels: sources, flags and the compiler."""
    recipe = " ".join([ZIG_VERSION, *_device_flags(board), *_HOT_SOURCES, board.firmware_port])
    return _digest([recipe.encode(), Path(__file__).read_bytes(), *_all_source_bytes()])


def build_objects(board: Board, cache: Path) -> Path:
    """The folder with a board's compiled sources, but for the table of kernels (3 s of processor); built if there is
    none of the same.

    It appears whole or not at all; of two builders at once one waits for the other's.
    """
    cache = cache.resolve()
    folder = _shared_folder(cache) / "objects" / f"{board.firmware_port}-{board.cpu}-{firmware_fingerprint(board)[:16]}"
    if folder.exists():
        return folder
    compiler = [*device_compiler(), "cc", *_device_flags(board)]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        folder.with_name(f"{folder.name}.lock").open("w") as lock,
        tempfile.TemporaryDirectory(prefix=".build-", dir=folder.parent) as name,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        directory = Path(name) / "objects"
        directory.mkdir()
        sources = [path for path in device_sources(board) if path.name != _KERNEL_TABLE]
        for level, group in (
            ("-O2", [p for p in sources if p.name in _HOT_SOURCES]),
            ("-Os", [p for p in sources if p.name not in _HOT_SOURCES]),
        ):
            _compile([*compiler, level, "-c", *map(str, group)], directory, cache)
        directory.rename(folder)
    return folder


def build_firmware(board: Board, kernels: Collection[str], cache: Path) -> Firmware:
    """The image for a board that runs these kinds of step, built if `cache` has none of the same; whole or not at all.

    Kernels that are not named are not in it: what a model does not use takes no flash.
    """
    cache = cache.resolve()
    bits = sum(1 << STEP_KINDS[kernel] for kernel in set(kernels))
    words = (("LOW", bits % (1 << 64)), ("HIGH", bits >> 64))
    linked = [f"-DLINKED_KERNELS_{name}={word:#x}ull" for name, word in words]
    key = _digest([firmware_fingerprint(board).encode(), *(flag.encode() for flag in linked)])
    elf = cache / "firmware" / f"{board.firmware_port}-{board.cpu}-{key[:16]}.elf"
    if elf.exists():
        return describe_firmware(elf)
    objects = build_objects(board, cache)
    compiler = [*device_compiler(), "cc", *_device_flags(board)]
    elf.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=elf.parent) as name:
        directory = Path(name)
        libraries = _shared_folder(cache) / "libraries"  # of 64-bit division and the like: 5 s of processor a core
        _compile([*compiler, "-Os", *linked, "-c", str(SOURCES / _KERNEL_TABLE)], directory, cache)
        for script in SOURCES.glob("*.ld"):
            shutil.copy(script, directory)  # INCLUDE looks in the working directory
        for compiled in objects.glob("*.o"):
            shutil.copy(compiled, directory)
        layout = ["-T", f"board_{board.firmware_port}.ld"]
        linker = ["-Wl,--gc-sections", "-Wl,-e,reset_handler", "-Wl,--build-id=none", *layout]
        names = sorted(p.name for p in directory.glob("*.o"))
        _compile([*compiler, "-Os", "-g", *linker, *names, "-o", "firmware.elf"], directory, cache, libraries)
        (directory / "firmware.elf").replace(elf)
    return describe_firmware(elf)


def describe_firmware(elf: Path) -> Firmware:
    """Reads an image's section sizes and the room it leaves."""
    try:
        image = elf.read_bytes()
        sections, room, behind = _layout(image)
    except (ELFError, OSError, AttributeError) as error:
        raise BuildFailed(f"{elf} is not a firmware image: {error}.") from None
    return Firmware(elf, hashlib.sha256(image).hexdigest(), dict(sections), room, behind)


@functools.lru_cache(64)
def _layout(image: bytes) -> tuple[dict[str, int], int, tuple[int, int] | None]:
    """The sizes of the sections that are loaded, the arena's room, and where a job may lie. Every model of a board
    asks it of the same few images."""
    file = ELFFile(io.BytesIO(image))
    sections = {s.name: s["sh_size"] for s in file.iter_sections() if s["sh_flags"] & 2 and s["sh_size"]}
    symbols = {s.name: s["st_value"] for s in file.get_section_by_name(".symtab").iter_symbols()}
    room = symbols["arena_end"] - symbols["arena_start"]
    behind = (symbols["job_start"], symbols["job_end"]) if "job_start" in symbols else None
    return sections, room, behind


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
    return _build_host(
        cache, "libkernels.so", ["-O2", "-shared", "-fPIC"], [*host_sources(), SOURCES / "host_library.c"]
    )


def build_host_runner(cache: Path, sanitise: bool) -> Path:
    """The job runner as a program of this machine; with the address and undefined-behaviour sanitisers if asked."""
    flags = ["-O1", "-g"]
    if sanitise:
        flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    sources = [*host_sources(), *(SOURCES / name for name in (*_JOB_RUNNER, "host_runner.c"))]
    return _build_host(cache, "job-runner-sanitised" if sanitise else "job-runner", flags, sources)


def build_host_server(cache: Path, sanitise: bool = False) -> Path:
    """The firmware that serves a line as a program of this machine, on its standard input and output."""
    flags = ["-O1", "-g"]
    if sanitise:
        flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    sources = [*host_sources(), *(SOURCES / name for name in (*_JOB_RUNNER, "job_serve.c", "host_server.c"))]
    return _build_host(cache, "job-server-sanitised" if sanitise else "job-server", flags, sources)


def _build_host(cache: Path, name: str, flags: list[str], sources: list[Path]) -> Path:
    compiler, version = host_compiler()
    cache = cache.resolve()
    key = _digest([version.encode(), " ".join([name, *flags]).encode(), *_all_source_bytes()])
    target = cache / "host" / key[:16] / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as directory:
            command = [str(compiler), *_COMMON_FLAGS, *flags, *map(str, sources), "-o", name]
            _compile(command, Path(directory), cache)
            (Path(directory) / name).replace(target)
    return target
