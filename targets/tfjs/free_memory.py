"""Whether there is memory for a conversion: the whole machine stands still where a process takes what is not there.

Runs in the converter's environment.
"""

from __future__ import annotations

from pathlib import Path

COPIES = 19
"""How many times a model's weights tensorflowjs 4.22 holds at its highest point: seen with weights of 1.01 GB (19.7 GB
in all) and of 0.10 GB (2.4 GB, of which TensorFlow itself is 0.6). It freezes the graph, optimises it and freezes it
again, each in memory and serialised."""
MEMORY = Path("/proc/meminfo")


def check_free_memory(weights_bytes: int, memory: Path = MEMORY) -> None:
    """Raises `MemoryError` with both figures where tensorflowjs needs more than is known to be free."""
    free = free_bytes(memory)
    needed = COPIES * weights_bytes
    if free is not None and needed > free:
        raise MemoryError(
            f"tensorflowjs takes about {COPIES} times a model's weights in memory, "
            f"{_gigabytes(needed)} of these {_gigabytes(weights_bytes)}, and {_gigabytes(free)} are free"
        )


def free_bytes(memory: Path = MEMORY) -> int | None:
    """What the kernel reckons that a new process can have without anything being written out; None elsewhere than on
    Linux."""
    try:
        lines = memory.read_text("ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
