"""The machine that a run is on, and the commit that it is of."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from harness.cache import sha256_json
from harness.store.record import Machine


def cpu_model() -> str:
    """The processor's name as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def this_machine() -> Machine:
    """What decides speed here, and the load right now."""
    import psutil

    cpu, cores, memory = cpu_model(), os.cpu_count() or 1, int(psutil.virtual_memory().total)
    system = f"{platform.system()} {platform.machine()}"
    # Memory as the system counts it moves by a few pages between boots: gibibytes are what tells machines apart.
    identity = sha256_json([cpu, cores, round(memory / 2**30), system])[:16]
    return Machine(
        id=identity,
        cpu=cpu,
        cores=cores,
        memory_bytes=memory,
        system=f"{system} {platform.release()}",
        python=platform.python_version(),
        load_average=round(os.getloadavg()[0], 2),
    )


def commit(root: Path) -> str | None:
    """The commit checked out at `root`, with `+changes` where files differ; None outside a git checkout."""
    try:
        head = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "-C", str(root), "status", "--porcelain"], capture_output=True, text=True, timeout=30, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head}+changes" if changed else head
