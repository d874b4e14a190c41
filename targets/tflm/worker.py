"""Holds one TensorFlow Lite Micro interpreter. Runs in its own environment under `harness/process/serve.py`.

Standard library, NumPy and `tflite_micro` only.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

# What Micro prints beside what is wrong: where in its sources, and that a step went wrong.
SOURCE_LINE = re.compile(r"^(?:\S+\.(?:cc|h)(?::\d+)?:?\s+)")
ARENA_STEP = 16


class Refused(Exception):
    """Micro says that it cannot run this model."""

    harness_kind = "unsupported"


class Printed:
    """What Micro wrote to standard error meanwhile."""

    text = ""


@contextmanager
def printed() -> Iterator[Printed]:
    """Collect what the C++ side prints to standard error; it is also kept in the log."""
    collected = Printed()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield collected
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            content = file.read()
            os.write(2, content)
            collected.text = content.decode(errors="replace")


def reason(text: str, error: Exception) -> str:
    """One line of what Micro printed: the operator that failed and why, if it says so; else the exception's text."""
    lines = [SOURCE_LINE.sub("", line.strip()) for line in text.splitlines() if line.strip()]
    node = next((line for line in lines if line.startswith("Node ")), "")
    why = next((line for line in lines if not line.startswith("Node ")), "")
    return "; ".join(part.rstrip(".") for part in (node, why) if part) or str(error)


def named(text: str, custom: list[str]) -> str:
    """The text with the model's custom operators named where Micro says `CUSTOM` of one."""
    return text.replace("op code CUSTOM", f"op code CUSTOM ({', '.join(custom)})") if custom else text


class Worker:
    """One interpreter and the operations that the engine asks of it."""

    def __init__(self) -> None:
        self.interpreter: Any = None
        self.header: dict[str, Any] = {}
        self.figures: dict[str, int] = {}

    def load(self, header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Load a `.tflite` and read the arena's size from Micro's own recording allocator."""
        self.header = header
        with printed() as output:
            failure = None
            try:
                self.interpreter = self.made()
                self.interpreter.print_allocations()
            except (RuntimeError, ValueError) as error:
                failure = error
        if failure is not None:
            raise Refused(named(reason(output.text, failure), header["custom"]))
        for key, pattern in (
            ("arena_bytes", r"Arena allocation total (\d+) bytes"),
            ("arena_head_bytes", r"Arena allocation head (\d+) bytes"),
            ("arena_tail_bytes", r"Arena allocation tail (\d+) bytes"),
        ):
            found = re.search(pattern, output.text)
            if found:
                self.figures[key] = int(found.group(1))
        return {"sha256": hashlib.sha256(Path(header["path"]).read_bytes()).hexdigest()}, {}

    def made(self, arena_bytes: int | None = None) -> Any:
        """An interpreter of the model, in an arena of as many bytes or as it was asked for."""
        from tflite_micro.python.tflite_micro import runtime

        size = self.header["arena_bytes"] if arena_bytes is None else arena_bytes
        return runtime.Interpreter.from_file(self.header["path"], arena_size=size)

    def suffices(self, arena_bytes: int) -> bool:
        """Whether the model is allocated and runs in an arena of that size.

        It is tried in a process of its own, since Micro ends the process where the arena is too small."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                self.made(arena_bytes).invoke()
                status = 0
            finally:
                os._exit(status)
        return os.waitpid(child, 0)[1] == 0

    def asked_whether(self, header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Whether the model runs in an arena of the size that the header names; see `suffices`."""
        return {"suffices": self.suffices(header["arena_bytes"])}, {}

    def least_arena(self, _: dict[str, Any], __: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The smallest arena, to `ARENA_STEP` bytes, in which the model is allocated and runs.

        The allocator's own figure is less, because more is in use while tensors are being allocated."""
        enough = ARENA_STEP
        while enough < self.header["arena_bytes"] and not self.suffices(enough):
            enough *= 2
        if enough >= self.header["arena_bytes"] and not self.suffices(enough):
            raise Refused("it is allocated, and does not run on the inputs that the arena begins with")
        too_little = enough // 2
        while enough - too_little > ARENA_STEP:
            middle = (too_little + enough) // 2
            if self.suffices(middle):
                enough = middle
            else:
                too_little = middle
        return {"arena_bytes": enough}, {}

    def renew(self) -> None:
        """Fresh state, as after loading. `Reset` makes zeros of resource variables, whatever they began with."""
        if self.header["state_to_reset"] == "variables":
            self.interpreter.reset()
        elif self.header["state_to_reset"] == "resources":
            self.interpreter = self.made()

    def infer(self, _: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Every sample once, from fresh state unless they share it: arrays shaped (samples, *output shape)."""
        results: dict[str, list[Any]] = {info["name"]: [] for info in self.header["outputs"]}
        for sample in range(len(next(iter(tensors.values())))):
            with printed() as output:
                failure = None
                try:
                    self.renew()
                    for info in self.header["inputs"]:
                        self.interpreter.set_input(tensors[info["name"]][sample], info["index"])
                    self.interpreter.invoke()
                except (RuntimeError, ValueError) as error:
                    failure = error
            if failure is not None:
                raise Refused(reason(output.text, failure))
            for info in self.header["outputs"]:
                results[info["name"]].append(self.interpreter.get_output(info["index"]))
        return {}, {name: np.stack(values) for name, values in results.items()}

    def footprint(self, _: dict[str, Any], __: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.figures, {}


def handlers() -> dict[str, Any]:
    """The operations that the engine may ask for, by name."""
    worker = Worker()
    return {
        "load": worker.load,
        "infer": worker.infer,
        "footprint": worker.footprint,
        "least_arena": worker.least_arena,
        "suffices": worker.asked_whether,
    }
