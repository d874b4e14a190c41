"""What one inference of an artifact executes, counted in a thread that has done nothing before.

What a process did before (how many samples it answered, how long its environment is, this very code) decides where on a
stack and in memory things lie, and so the path that some code takes. A new thread has a stack of its own, and memory.c
gives blocks out so that their places do not matter: what is counted follows from the artifact, the runtime and the C
library alone.

Runs in the emulated process: standard library, NumPy and the runtime only.
"""

from __future__ import annotations

import _thread
import array
import ctypes
import functools
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from harness_targets.tflite.prefix_models import write_prefix_model
from harness_targets.tflite.signature import Signature
from harness_targets.tflite.worker import Worker, interpreter_module

MARK = -0x4D4C5248
"""Mark that is no file descriptor; see counter.c."""
_CUT_MODEL = "parts.tflite"
_WARM_UP = 12
"""Calls before any counts: Python 3.11 rewrites its own bytecode in the first eight."""
_READINGS = 3
_FEW = 1_000_000
"""Instructions up to which parts of a model are counted as often as the whole: Python adds three now and then."""
_LARGEST_SMALL, _MOST_DIMENSIONS, _KEPT = 64, 8, 8
"""Bytes and dimensions of arrays that describe a tensor; NumPy keeps 7 blocks of each size."""

Found = TypeVar("Found")


def run_first(runtime: str, model: str) -> None:
    """Load the runtime and run a model of next to nothing. QEMU translates code as it first runs, and what is
    translated here is there in every fork."""

    def run() -> None:
        interpreter = interpreter_module(runtime).Interpreter(model_path=model, num_threads=1)
        interpreter.allocate_tensors()
        interpreter.invoke()

    in_new_thread(int)  # it translates all anew at a process's first thread
    in_new_thread(run)


def heap(*, begin: bool = False) -> tuple[int, int]:
    """Bytes that are asked of `malloc` and not given back: now, and at most since one last said `begin`."""
    told = (ctypes.c_uint64 * 2)()
    ctypes.CDLL(None).harness_heap(int(begin), told)
    return told[0], told[1]


def in_new_thread(function: Callable[[], Found]) -> Found:
    """What `function` gives, or raises, in a thread whose memory nobody used before. This one executes nothing
    meanwhile."""
    gc.disable()
    results: list[Found] = []
    errors: list[BaseException] = []
    ended = _thread.allocate_lock()  # and no `threading.Thread`, which takes memory here while the new one runs
    ended.acquire()

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)
        ended.release()

    _thread.start_new_thread(run, ())
    ended.acquire()
    for error in errors:
        raise error
    return results[0]


def fill_numpys_cache() -> None:
    """NumPy keeps some small blocks of arrays that are gone: have it keep as many as it does, so that what describes
    tensors takes none from `malloc`, however many arrays there were before."""
    small = [np.empty(size, np.int8) for size in range(1, _LARGEST_SMALL + 1) for _ in range(_KEPT)]
    flat = [np.empty((1,) * dimensions, np.int8) for dimensions in range(1, _MOST_DIMENSIONS + 1) for _ in range(_KEPT)]
    del small, flat


def count_whole(header: dict[str, Any], tensors: dict[str, Any]) -> dict[str, Any]:
    """Counts an inference of the one given sample. Returns `counts` (instructions of its inference, several times, if
    the header asks for `counts`), `stable_outputs` (whether the outputs are the same each time), `heap_bytes` (what the
    interpreter holds after it has run: tensors, workspaces, weights as kernels want them) and `peak_memory_bytes` (the
    most that it held until then)."""
    return in_new_thread(lambda: run_and_count(header, tensors))


def run_and_count(header: dict[str, Any], tensors: dict[str, Any]) -> dict[str, Any]:
    """Run the first sample once, and count the instructions of the next inferences.

    Gives `heap_bytes`, `peak_memory_bytes` and, where `header` asks for `counts`, the instructions of each inference
    and whether the outputs stayed the same."""
    worker = Worker()
    worker.set_up(header)
    fill_numpys_cache()
    before, _ = heap(begin=True)
    run_once(worker, header, tensors)
    held, most = heap()
    memory = {"heap_bytes": held - before, "peak_memory_bytes": most - before}
    if not header["counts"]:
        return memory
    counts = warm_counts(worker.interpreter, _READINGS)
    outputs = worker.digest()
    worker.invoke()
    return {**memory, "counts": counts, "stable_outputs": worker.keeps_state or outputs == worker.digest()}


def count_parts(header: dict[str, Any], tensors: dict[str, Any]) -> dict[str, Any]:
    """Instructions of the model as it is, `whole`, and cut after each of its operators, `counts`. `header`:
    `length_at`, where in the file the number of operators is, `outputs_at`, where it points to its outputs, `cuts`, the
    number of operators and the outputs of each cut."""
    worker = Worker()
    worker.set_up(header)
    if header["signature"] and is_of_other_subgraph(worker, header):
        return {"problem": "the signature is not that of the file's first subgraph"}
    whole = in_new_thread(lambda: count_prefix(header, tensors, times=_READINGS))
    times = _READINGS if whole < _FEW else 1
    return {"whole": whole, "counts": in_new_thread(lambda: count_prefixes(header, tensors, times=times))}


def is_of_other_subgraph(worker: Worker, header: dict[str, Any]) -> bool:
    """Whether the signature that `header` names is not the file's first subgraph."""
    worker.make(header)
    return isinstance(worker.interpreter, Signature)


def count_prefixes(header: dict[str, Any], tensors: dict[str, Any], *, times: int) -> list[int]:
    """Instructions of one inference of each part of the model, in the order of the cuts."""
    content = Path(header["path"]).read_bytes()
    return [
        count_prefix(write_prefix_model(header, content, index, Path(_CUT_MODEL)), tensors, times=times)
        for index in range(len(header["cuts"]))
    ]


def count_prefix(header: dict[str, Any], tensors: dict[str, Any], *, times: int) -> int:
    """Instructions of one inference: the least of `times` readings."""
    worker = Worker()
    worker.set_up(header)
    run_once(worker, header, tensors)
    return min(warm_counts(worker.interpreter, times))


def run_once(worker: Worker, header: dict[str, Any], tensors: dict[str, Any]) -> None:
    """Make the interpreter, give it the first sample and run it."""
    worker.make(header)
    worker.feed(tensors, 0)
    worker.invoke()


def warm_counts(interpreter: Any, times: int) -> list[int]:
    """Instructions of an inference, less what a call of next to nothing takes, `times` times over."""
    call, empty = calls(interpreter)
    readings(empty, _WARM_UP)
    counts = readings(call, times)
    overhead = min(readings(empty, times))
    return [count - overhead for count in counts]


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
    return [counts[index + 1] - counts[index] for index in range(0, len(counts), 2)]


def calls(interpreter: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """What invokes it, and what calls it the same way to be told a number: the extension module's own functions. While
    they are held, the interpreter's `invoke` refuses."""
    if isinstance(interpreter, Signature):
        inner = interpreter._interpreter._interpreter
        return functools.partial(inner.Invoke, interpreter._subgraph), functools.partial(inner.NumNodes)
    inner = interpreter._interpreter
    return inner.Invoke, inner.NumNodes
