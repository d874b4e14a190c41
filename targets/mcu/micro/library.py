"""The library that TFLM_LIB names: whether it can be used on a board, and what it is."""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from harness.errors import Unavailable

from ..boards import Board
from .archive import Abi, read_archive

LIBRARY_VARIABLE = "TFLM_LIB"
HEADERS_VARIABLE = "TFLM_INCLUDE"
_GLUE_HEADER = Path("tensorflow/lite/micro/micro_interpreter.h")
_CORTEX_M3 = frozenset({"v6-M", "v6S-M", "v7"})
_RUNS = {
    "cortex-m3": _CORTEX_M3,
    "cortex-m4": _CORTEX_M3 | {"v7E-M"},
    "cortex-m7": _CORTEX_M3 | {"v7E-M"},
    "cortex-m33": _CORTEX_M3 | {"v7E-M", "v8-M.baseline", "v8-M.mainline"},
}
_HOW_TO_BUILD = (
    "build it with TensorFlow Lite Micro's own makefile (TARGET=cortex_m_generic BUILD_TYPE=release microlite)"
)
# One function of each set of optimised kernels that Micro can be built with.
_KERNELS = {"arm_convolve_s8": "CMSIS-NN", "xa_nn_conv2d_std_per_chan_sym8sxasym8s": "Xtensa", "ethosu_init": "Ethos-U"}


@dataclass(frozen=True)
class MicroLibrary:
    """A usable library. `messages` is True where error texts were left in it (BUILD_TYPE=release_with_logs)."""

    path: Path
    headers: Path
    sha256: str
    headers_sha256: str
    abi: Abi
    kernels: str
    messages: bool

    def identity(self) -> dict[str, str]:
        """What a run record keeps of it."""
        return {
            "tflm_library": self.sha256,
            "tflm_headers": self.headers_sha256,
            "tflm_kernels": self.kernels,
            "tflm_abi": f"{self.abi.architecture}, {self.abi.float_abi} float",
        }


def named_library() -> MicroLibrary:
    """The library and headers that the environment names. Raises `Unavailable`."""
    library, headers = os.environ.get(LIBRARY_VARIABLE), os.environ.get(HEADERS_VARIABLE)
    if not library or not headers:
        raise Unavailable(
            f"{LIBRARY_VARIABLE} and {HEADERS_VARIABLE} do not name a libtensorflow-microlite.a and its headers:"
            f" {_HOW_TO_BUILD} and set both."
        )
    path, folder = Path(library).expanduser().resolve(), Path(headers).expanduser().resolve()
    if not path.is_file():
        raise Unavailable(f"{LIBRARY_VARIABLE} names {path}, which is no file.")
    if not (folder / _GLUE_HEADER).is_file():
        raise Unavailable(f"{HEADERS_VARIABLE} names {folder}, which does not hold {_GLUE_HEADER}.")
    stamp = path.stat()
    found = _inspected(path, folder, stamp.st_size, stamp.st_mtime_ns)
    if isinstance(found, str):
        raise Unavailable(found)
    return found


@functools.lru_cache(maxsize=8)
def _inspected(path: Path, headers: Path, size: int, changed: int) -> MicroLibrary | str:
    """The library, or why it is none; reading takes a second. `size` and `changed` make a rebuilt library a new one."""
    del size, changed
    try:
        return _inspect(path, headers)
    except Unavailable as error:
        return str(error)


def _inspect(path: Path, headers: Path) -> MicroLibrary:
    contents = read_archive(path)
    if len(contents.abis) != 1:
        found = " and ".join(sorted(f"{abi.architecture} with {abi.float_abi} float" for abi in contents.abis))
        raise Unavailable(f"{path} mixes objects of {found}: {_HOW_TO_BUILD} anew.")
    if not any("MicroInterpreter" in name for name in contents.defined):
        raise Unavailable(f"{path} is not TensorFlow Lite Micro: it defines no MicroInterpreter.")
    if "__assert_func" in contents.undefined:
        raise Unavailable(
            f"{path} is a debug build (its assertions are in, so NDEBUG was not set), which takes several times the"
            f" instructions: {_HOW_TO_BUILD}."
        )
    if "TfLiteTensorRealloc" in contents.defined:
        raise Unavailable(
            f"{path} was built without TF_LITE_STATIC_MEMORY, which gives its tensors another layout: {_HOW_TO_BUILD}."
        )
    kernels = next((name for symbol, name in _KERNELS.items() if symbol in contents.defined), "reference")
    return MicroLibrary(
        path=path,
        headers=headers,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        headers_sha256=_headers_digest(headers),
        abi=next(iter(contents.abis)),
        kernels=kernels,
        messages="_Z11MicroPrintfPKcz" in contents.defined,
    )


def _headers_digest(headers: Path) -> str:
    """Digest of the headers that the glue includes itself. What those include is of the same checkout."""
    digest = hashlib.sha256()
    for path in sorted((headers / _GLUE_HEADER).parent.glob("*.h")):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def check_board(library: MicroLibrary, board: Board) -> None:
    """Raises `Unavailable` where the board's core cannot run the library's code."""
    abi = library.abi
    if abi.architecture not in _RUNS[board.cpu]:
        raise Unavailable(
            f"{library.path} is built for Arm{abi.architecture}, which the {board.cpu} of {board.name} does not run:"
            f" build it with TARGET_ARCH={board.cpu}."
        )
    if abi.float_abi != "soft" and not board.has_float_unit:
        raise Unavailable(
            f"{library.path} is built for a floating-point unit (float ABI {abi.float_abi}), and the {board.cpu} of"
            f" {board.name} has none: build it with TARGET_ARCH={board.cpu}."
        )
