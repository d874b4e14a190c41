"""Writes the parts of a model that its first operators are, and times them in turns.

Runs in a runtime's environment, beside `worker.py`: standard library and NumPy only.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FEWEST_ROUNDS, _MOST_ROUNDS = 9, 400
_FEWEST_IN_HASTE = 3
"""Rounds, where more would take ten times as long as was asked for."""
_NO_HASTE_NS = 3_000_000_000
"""What is not worth hurrying for."""
_CALLS = 3
"""Calls of a part in each of its turns. The quickest stands for the turn."""


def write_prefix_model(header: dict[str, Any], content: bytes, index: int, path: Path) -> dict[str, Any]:
    """Write the part of the model that ends with its cut `place`, and say how it is loaded. `header`, beside what a
    worker's `load` takes: `length_at`, where in the file the number of operators is, `outputs_at`, where it points to
    its outputs, `cuts`, the number of operators and the outputs of each cut."""
    operators, outputs = header["cuts"][index]
    path.write_bytes(truncate_model(content, operators, outputs, header["length_at"], header["outputs_at"]))
    return {**header, "path": str(path), "outputs": [{}] * len(outputs)}


def truncate_model(content: bytes, operators: int, outputs: list[int], length_at: int, outputs_at: int) -> bytes:
    """The file with its first `operators` alone, which give these tensors. A FlatBuffer's vectors may lie anywhere
    behind what points to them: the list of outputs goes to the end."""
    changed = bytearray(content) + bytes(-len(content) % 4)
    changed[length_at : length_at + 4] = operators.to_bytes(4, "little")
    changed[outputs_at : outputs_at + 4] = (len(changed) - outputs_at).to_bytes(4, "little")
    changed += b"".join(number.to_bytes(4, "little") for number in (len(outputs), *outputs))
    return bytes(changed)


def time_interleaved(calls: Sequence[Callable[[], Any]], seconds: float) -> NDArray[np.int64]:
    """Nanoseconds of each call, shaped (rounds, calls): in every round all of them, in an order of its own, so that
    what the machine does meanwhile meets all alike. As many rounds as take about so many seconds, and some at least."""
    order = list(range(len(calls)))
    drawn = random.Random(0)
    rounds: list[list[int]] = []
    clock = time.perf_counter_ns
    begun = clock()
    until, haste = begun + int(seconds * 1e9), begun + max(int(seconds * 1e10), _NO_HASTE_NS)
    while len(rounds) < (_FEWEST_ROUNDS if clock() < haste else _FEWEST_IN_HASTE) or (
        len(rounds) < _MOST_ROUNDS and clock() < until
    ):
        drawn.shuffle(order)
        row = [0] * len(calls)
        for place in order:
            call = calls[place]
            call()  # its weights and tensors are nearer then
            least = 0
            for _ in range(_CALLS):
                start = clock()
                call()
                took = clock() - start
                least = took if not least else min(least, took)
            row[place] = least
        rounds.append(row)
    return np.array(rounds, np.int64)
