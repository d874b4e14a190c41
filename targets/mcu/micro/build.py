"""Builds an image of the user's TensorFlow Lite Micro library and the harness's own start-up and job runner.

The library's headers and objects want a C and a C++ library made for the bare processor. The pinned zig, which builds
the plan runtime, brings neither for such a target (`#include <cstdint>` fails), so this one takes `arm-none-eabi-g++`
from the PATH: the compiler that Micro's own makefile takes. Its version is a part of what a run record keeps.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.errors import Unavailable, shortened
from harness.installation.packages import install_line

from ..boards import Board
from ..emulator.child import child_process
from ..toolchain import SOURCES, BuildFailed, Firmware, describe_firmware
from .library import MicroLibrary

GLUE = Path(__file__).parent / "firmware"
COMPILER = "arm-none-eabi-g++"
_C_COMPILER = "arm-none-eabi-gcc"  # the driver for C++ takes every source for C++
_SHARED = ("startup.c", "job_once.c", "clock.c", "frames.c", "crc32.c", "job_check.c")
_FLAGS = ("-mthumb", "-O2", "-ffunction-sections", "-fdata-sections", "-fno-common", "-funsigned-char")
_C_FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-ffreestanding")
_CPP_FLAGS = ("-std=c++17", "-fno-rtti", "-fno-exceptions", "-fno-threadsafe-statics", "-fno-use-cxa-atexit")
_LINKER_FLAGS = ("-nostartfiles", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "-Wl,--build-id=none")
# Where flatbuffers, gemmlowp and ruy lie in a checkout of Micro and in a tree that its create_tflm_tree.py made.
_THIRD_PARTY = (
    ".",
    "third_party/flatbuffers/include",
    "third_party/gemmlowp",
    "third_party/ruy",
    "tensorflow/lite/micro/tools/make/downloads/flatbuffers/include",
    "tensorflow/lite/micro/tools/make/downloads/gemmlowp",
    "tensorflow/lite/micro/tools/make/downloads/ruy",
)
_COMPILE_SECONDS = 300.0


@functools.cache
def micro_compiler() -> tuple[Path, str]:
    """The cross compiler and its version line. Raises `Unavailable` where it, or its C++ library, is not there."""
    found = shutil.which(COMPILER)
    if found is None:
        raise Unavailable(f"{COMPILER} is not on the PATH: {install_line(COMPILER)}.")
    library = _ask(found, "-print-file-name=libstdc++.a")
    if library == "libstdc++.a":
        raise Unavailable(f"{COMPILER} has no C++ library for bare processors: {install_line(COMPILER)}.")
    return Path(found), _ask(found, "--version").splitlines()[0]


def _ask(program: str, question: str) -> str:
    try:
        asked = subprocess.run(
            [program, question], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{program} cannot be started: {error}.") from error
    if asked.returncode != 0 or not asked.stdout.strip():
        raise Unavailable(f"{program} does not answer {question}: see that it works.")
    return asked.stdout.strip()


def abi_flags(library: MicroLibrary, board: Board) -> tuple[str, ...]:
    """The processor is the board's; how floating-point values are passed is the library's."""
    flags = (f"-mcpu={board.cpu}", f"-mfloat-abi={library.abi.float_abi}")
    return flags if library.abi.float_abi == "soft" else (*flags, "-mfpu=auto")


def _definitions(library: MicroLibrary) -> list[str]:
    """What the library's headers must be told so that they mean what its objects do."""
    found = ["-DTF_LITE_STATIC_MEMORY", "-DNDEBUG"]
    if not library.messages:
        found.append("-DTF_LITE_STRIP_ERROR_STRINGS")
    if library.kernels == "CMSIS-NN":
        found.append("-DCMSIS_NN")
    return found


def operators_header(methods: Sequence[str], variables: int) -> str:
    """`model_operators.h`: the resolver of one model, and how many resource variables it has."""
    calls = "".join(f"    if (resolver->{method}() != kTfLiteOk) return kTfLiteError;\n" for method in methods)
    return (
        f"constexpr unsigned kModelOperators = {max(1, len(methods))};\n"
        f"constexpr int kModelVariables = {variables};\n\n"
        "inline TfLiteStatus AddModelOperators(tflite::MicroMutableOpResolver<kModelOperators>* resolver) {\n"
        f"{calls}    (void)resolver;\n    return kTfLiteOk;\n}}\n"
    )


def _sources_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted([*SOURCES.iterdir(), *GLUE.iterdir(), Path(__file__)]):
        if path.suffix in (".c", ".cc", ".h", ".ld", ".py"):
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def glue_fingerprint() -> dict[str, str]:
    """What decides an image beside the library: our own sources and the compiler."""
    return {"glue": _sources_digest(), "compiler": micro_compiler()[1]}


def build_micro_firmware(
    library: MicroLibrary, board: Board, methods: Sequence[str], variables: int, cache: Path
) -> Firmware:
    """The image for a board, a set of operators and a number of resource variables, built if `cache` has none of the
    same; whole or not at all."""
    compiler, version = micro_compiler()
    header = operators_header(methods, variables)
    shared = [*_FLAGS, *abi_flags(library, board)]
    recipe = [*shared, *_definitions(library), version, header, board.firmware_port, board.cpu, _sources_digest()]
    recipe += [library.sha256, library.headers_sha256]
    key = hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:16]
    elf = cache.resolve() / "micro" / f"{board.firmware_port}-{board.cpu}-{key}.elf"
    if elf.exists():
        return describe_firmware(elf)
    elf.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=elf.parent) as name:
        directory = Path(name)
        (directory / "model_operators.h").write_text(header, "utf-8")
        shutil.copy(SOURCES / f"board_{board.firmware_port}.ld", directory)
        shutil.copy(GLUE / "sections.ld", directory)  # the board's script INCLUDEs the one that lies beside it
        includes = [f"-I{directory}", f"-I{SOURCES}", f"-I{GLUE}"]
        c_sources = [*(SOURCES / file for file in _SHARED), SOURCES / f"board_{board.firmware_port}.c"]
        c_sources.append(GLUE / "system.c")
        _run([compiler.with_name(_C_COMPILER), *shared, *_C_FLAGS, *includes, "-c", *c_sources], directory)
        headers = [f"-isystem{library.headers / part}" for part in _THIRD_PARTY if (library.headers / part).is_dir()]
        glue = [*shared, *_CPP_FLAGS, *_definitions(library), *includes, *headers]
        _run([compiler, *glue, "-c", GLUE / "micro_job.cc"], directory)
        objects = sorted(path.name for path in directory.glob("*.o"))
        layout = ["-T", f"board_{board.firmware_port}.ld", f"-L{directory}"]
        libraries: list[str | Path] = [library.path, "-lm", "-lc", "-lgcc"]
        _run([compiler, *shared, *_LINKER_FLAGS, *layout, *objects, *libraries, "-o", "firmware.elf"], directory)
        (directory / "firmware.elf").replace(elf)
    return describe_firmware(elf)


def _run(command: Sequence[str | Path], directory: Path) -> None:
    """One step of the compiler, in `directory`; it and all that it starts end at the time limit."""
    with child_process(command, directory, {**os.environ, "LC_ALL": "C"}) as process:
        try:
            status = process.wait(_COMPILE_SECONDS)
        except subprocess.TimeoutExpired:
            raise BuildFailed(f"{COMPILER} was stopped after {_COMPILE_SECONDS:g} s.") from None
    if status != 0:
        lines = (directory / "stderr").read_text("utf-8", "replace").splitlines()
        told = [line for line in lines if "error" in line or "undefined reference" in line] or lines
        raise BuildFailed(
            f"{COMPILER} failed on the glue to the library of TFLM_LIB: {shortened(' '.join(told[:2]), 500)}"
        )
