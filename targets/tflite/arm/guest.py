"""An emulated process that stays warm: it serves one artifact after another, as starting one takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import CaseError, Crashed
from harness.process.child import WATCH_VARIABLE, ChildProcess
from harness.process.warm import WarmPool

from ..load_request import PACKAGES
from . import qemu
from .compiled import library
from .cores import Core
from .hardware import features_of
from .sysroot import SYSROOT

WORKER = Path(__file__).with_name("worker.py")
MEMORY = Path(__file__).with_name("memory.c")
"""Takes the place of the C library's `malloc`."""
COUNTING = Path(__file__).with_name("counting.py")
"""What is counted, and how."""
FIRST = Path(__file__).with_name("first.tflite")
"""What the process runs before it forks: the square of a float, as `tests/targets/tflite/arm/test_counting.py` writes
it."""
_FOR_GUEST = ("-target", "aarch64-linux-gnu.2.31", "-fno-builtin")
_START_SECONDS = 180.0
_UNLOAD_SECONDS = 30.0


@dataclass(frozen=True)
class GuestKind:
    """What an emulated process runs: `python` is the interpreter of the runtime's environment, `plugin` counts, and
    `memory` is loaded before all else."""

    core: Core
    runtime: str
    python: Path
    plugin: Path | None
    memory: Path


def memory() -> Path:
    """The library of memory.c, built if it is not there. Raises `Unavailable`."""
    return library(MEMORY, *_FOR_GUEST)


@dataclass(frozen=True)
class Guest:
    """`features` are those that the processor said it has."""

    child: ChildProcess
    features: str

    def call(
        self, operation: str, tensors: dict[str, Any] | None = None, *, seconds: float, **fields: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """One request. What a fork died of is told by the process that forked it, in a word."""
        try:
            return self.child.call(operation, tensors, seconds=seconds, **fields)
        except Crashed as error:
            if self.child.alive():
                raise Crashed(f"{self.child.what} died of {error} during '{operation}'.", error.log) from error
            raise


@contextmanager
def started(kind: GuestKind) -> Iterator[Guest]:
    """A process with its runtime loaded and no artifact. Raises a `CaseError`."""
    core = kind.core.name
    launcher = [str(qemu.program()), "-cpu", core, "-L", str(SYSROOT.core_folder(core))]
    # Of the emulated process alone; and by its name, as a list of what is loaded before all else is cut at blanks.
    launcher += ["-E", f"LD_LIBRARY_PATH={kind.memory.parent}", "-E", f"LD_PRELOAD={kind.memory.name}"]
    with ChildProcess(
        f"{kind.runtime} on an emulated {kind.core.title}",
        kind.python,
        WORKER,
        packages=PACKAGES,
        # Nothing of this machine's settings: counts are to be the same everywhere.
        environment={
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            WATCH_VARIABLE: "alarm",  # QEMU 7.2's plugins fail in a fork whose new thread takes an old one's number
        },
        start_seconds=_START_SECONDS,
        launcher=[*launcher, *(("-plugin", str(kind.plugin)) if kind.plugin else ())],
        inherits=False,
    ) as child:
        told, _ = child.call("start", seconds=_START_SECONDS, runtime=kind.runtime, first=str(FIRST))
        yield Guest(child, features_of(told["hwcap"], told["hwcap2"]))


def is_usable(guest: Guest) -> bool:
    """Whether it has nothing loaded any more and answers what it is asked now, and not what it was asked before."""
    try:
        return guest.child.alive() and "unloaded" in guest.child.call("unload", seconds=_UNLOAD_SECONDS)[0]
    except CaseError:
        return False


GUESTS: WarmPool[GuestKind, Guest] = WarmPool(started, is_usable)
