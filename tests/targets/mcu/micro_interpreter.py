"""The oracle: TensorFlow Lite Micro's host interpreter in a process of its own (see oracle.py)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

ORACLE = Path(__file__).with_name("oracle.py")


class MicroRefused(Exception):
    """Micro could not run the model: it said so, or stopped the process."""


class MicroInterpreter:
    """Keeps one process for many models, and starts another after one that it did not survive."""

    def __init__(self, python: Path) -> None:
        self._python = python
        self._process: subprocess.Popen | None = None

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def run(
        self, model: bytes, input_bytes: Sequence[int], outputs: int, inputs: Sequence[bytes], sequence: bool = False
    ) -> list[bytes]:
        """Outputs of each inference, the tensors one after the other; in a `sequence` they share a state."""
        if self._process is None:
            self._process = subprocess.Popen(
                [str(self._python), str(ORACLE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        request = {
            "model_bytes": len(model),
            "arena_bytes": 4 << 20,
            "input_bytes": list(input_bytes),
            "output_count": outputs,
            "count": len(inputs),
            "sequence": sequence,
        }
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n" + model + b"".join(inputs))
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            self.close()
            raise MicroRefused("the interpreter stopped its process")
        answer = json.loads(line)
        if "error" in answer:
            raise MicroRefused(answer["error"])
        size = sum(answer["output_bytes"])
        return [self._process.stdout.read(size) for _ in inputs]
