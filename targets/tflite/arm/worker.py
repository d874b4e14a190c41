"""Serves artifacts in an emulated process, each in a fork of it, and counts what they execute.

Python and NumPy take seconds to start under emulation, so one process serves many artifacts. It loads the runtime, and
then forks for each artifact: every one finds the same untouched process, so that its figures are those of a process of
its own, and one that takes its process down takes no other along.

Runs in the runtime's own environment under `harness/process/serve.py`; the requests go to whichever process is there to
read them.
"""

from __future__ import annotations

import array
import ctypes
import functools
import gc
import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness_targets.tflite.signature import Signature
from harness_targets.tflite.worker import Refused, Worker, interpreter_module

MARK = -0x4D4C5248
"""No file descriptor: see counter.c."""
_HEAP_FIELDS = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)
_MODEL, _CUT_MODEL = "model.tflite", "parts.tflite"
_WARM_UP = 12
"""Calls before any counts: Python 3.11 rewrites its own bytecode in the first eight."""
_READINGS = 5
_OPERATOR_READINGS = 2
_PR_SET_PDEATHSIG = 1


class Died(Exception):
    """The fork that held the artifact is gone."""

    harness_kind = "crashed"


class HeapInformation(ctypes.Structure):
    """What `mallinfo2` gives (glibc 2.33 and later)."""

    _fields_ = [(name, ctypes.c_size_t) for name in _HEAP_FIELDS]


def heap_bytes() -> int:
    """Bytes that `malloc` has given out and not got back."""
    function = ctypes.CDLL(None).mallinfo2
    function.restype = HeapInformation
    found = function()
    return int(found.uordblks + found.hblkhd)


def end_with_parent() -> None:
    """Linux: the kernel kills this process when the one that it was forked from ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def readings(call: Callable[[], Any], times: int) -> list[int]:
    """Instructions from one mark to the next with `call` between them, `times` times over."""
    mark = os.isatty
    for _ in range(times):
        mark(MARK)
        call()
        mark(MARK)
    read, write = os.pipe()
    mark(MARK - 1 - write)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        counts = array.array("Q", stream.read())
    if len(counts) != 2 * times:
        raise RuntimeError(f"{len(counts)} of {2 * times} counts came")
    return [counts[place + 1] - counts[place] for place in range(0, len(counts), 2)]


class MeasuredWorker(Worker):  # type: ignore[misc]
    """One that notes what the runtime takes from the heap when it loads and when it first runs."""

    def __init__(self) -> None:
        super().__init__()
        self.held_bytes = 0
        self.has_run = False

    def load(self, header: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        before = heap_bytes()
        reply = super().load(header, tensors)
        self.held_bytes = heap_bytes() - before
        return reply

    def invoke(self) -> None:
        before = 0 if self.has_run else heap_bytes()
        super().invoke()
        if not self.has_run:
            self.held_bytes += heap_bytes() - before
            self.has_run = True


class Guest:
    """The process that forks, and what becomes of it in a fork."""

    def __init__(self) -> None:
        self.is_fork = False
        self.worker = MeasuredWorker()
        self.header: dict[str, Any] = {}
        self.tensors: dict[str, Any] = {}
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def start(self, header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Load the runtime, and say on what it runs."""
        interpreter_module(header["runtime"])
        ctypes.CDLL(None).getauxval.restype = ctypes.c_ulong
        words = {name: int(ctypes.CDLL(None).getauxval(key)) for name, key in (("hwcap", 16), ("hwcap2", 26))}
        return words, {}

    def load(self, header: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Fork; the fork loads the artifact and answers from then on. This process goes on when it has ended: with the
        answer to `unload`, or with what the fork died of."""
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            if os.WIFSIGNALED(status):
                raise Died(signal.Signals(os.WTERMSIG(status)).name)
            if os.WEXITSTATUS(status):
                raise Died(f"exit code {os.WEXITSTATUS(status)}")
            return {"unloaded": True}, {}
        self.is_fork = True
        end_with_parent()
        # A name that is as long everywhere: where the heap's blocks lie decides the path that some kernels take.
        place = Path(os.environ["TMPDIR"], f"{os.getpid():09d}")
        place.mkdir()
        os.chdir(place)
        Path(_MODEL).symlink_to(header["path"])
        self.header = {**header, "path": _MODEL}
        return self.worker.load(self.header, tensors)

    def unload(self, _: dict[str, Any], __: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """End the fork, if there is one."""
        if self.is_fork:
            shutil.rmtree(Path.cwd(), ignore_errors=True)
            sys.stderr.flush()
            os._exit(0)
        return {"unloaded": True}, {}

    def infer(self, header: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.worker.infer(header, tensors)

    def count(self, _: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Instructions of an inference of the one sample that is given, less what a call of next to nothing takes."""
        self.tensors = tensors
        self.worker.renew()
        self.worker.feed(self.tensors, 0)
        self.worker.invoke()
        before = self.worker.digest()
        call, empty = calls(self.worker.interpreter)
        gc.collect()
        gc.disable()
        readings(empty, _WARM_UP)
        counts = readings(call, _READINGS)
        overhead = min(readings(empty, _READINGS))
        gc.enable()
        return {
            "counts": [count - overhead for count in counts],
            "stable_outputs": self.worker.keeps_state or before == self.worker.digest(),
        }, {}

    def heap(self, _: dict[str, Any], __: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Bytes that the interpreter holds since it has run: tensors, workspaces, weights as kernels want them."""
        return {"heap_bytes": self.worker.held_bytes}, {}

    def operators(self, header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Instructions of the model cut after each of its operators, in a fork of this fork. `header`: `length_at`,
        where in the file the number of operators is, `outputs_at`, where it points to its outputs, `cuts`, the number
        of operators and the outputs of each cut."""
        if isinstance(self.worker.interpreter, Signature):
            return {"problem": "the signature is not that of the file's first subgraph"}, {}
        read, write = os.pipe()
        child = os.fork()
        if not child:
            end_with_parent()
            os.close(read)
            with os.fdopen(write, "w") as stream:
                json.dump(self.cut_counts(header), stream)
            sys.stderr.flush()
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as stream:
            text = stream.read()
        status = os.waitpid(child, 0)[1]
        if status:
            died = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "an error"
            return {"problem": f"the runtime died of {died} with a part of the model"}, {}
        return json.loads(text), {}

    def cut_counts(self, header: dict[str, Any]) -> dict[str, Any]:
        content = Path(self.header["path"]).read_bytes()
        path = Path(_CUT_MODEL)
        counts = []
        try:
            for number, outputs in header["cuts"]:
                path.write_bytes(cut(content, number, outputs, header["length_at"], header["outputs_at"]))
                counts.append(self.cut_count(path, len(outputs)))
        except Refused as refusal:
            return {"problem": f"the runtime refuses a part of the model: {refusal}"}
        return {"counts": counts}

    def cut_count(self, path: Path, outputs: int) -> int:
        worker = Worker()
        worker.load({**self.header, "path": str(path), "outputs": [{}] * outputs}, {})
        worker.feed(self.tensors, 0)
        worker.invoke()
        call, empty = calls(worker.interpreter)
        gc.collect()
        gc.disable()
        count = min(readings(call, _OPERATOR_READINGS)) - min(readings(empty, _OPERATOR_READINGS))
        gc.enable()
        return count


def calls(interpreter: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """What invokes it, and what calls it the same way to be told a number: the extension module's own functions. While
    they are held, the interpreter's `invoke` refuses."""
    if isinstance(interpreter, Signature):
        inner = interpreter._interpreter._interpreter
        return functools.partial(inner.Invoke, interpreter._subgraph), functools.partial(inner.NumNodes)
    inner = interpreter._interpreter
    return inner.Invoke, inner.NumNodes


def cut(content: bytes, operators: int, outputs: list[int], length_at: int, outputs_at: int) -> bytes:
    """The file with its first `operators` alone, which give these tensors. A FlatBuffer's vectors may lie anywhere
    behind what points to them: the list of outputs goes to the end."""
    changed = bytearray(content) + bytes(-len(content) % 4)
    changed[length_at : length_at + 4] = operators.to_bytes(4, "little")
    changed[outputs_at : outputs_at + 4] = (len(changed) - outputs_at).to_bytes(4, "little")
    changed += b"".join(number.to_bytes(4, "little") for number in (len(outputs), *outputs))
    return bytes(changed)


def handlers() -> dict[str, Any]:
    guest = Guest()
    operations = (guest.start, guest.load, guest.unload, guest.infer, guest.count, guest.heap, guest.operators)
    return {operation.__name__: operation for operation in operations}
