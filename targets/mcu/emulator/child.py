"""Starting an emulator so that it always ends: a group of its own, a time limit, and death with its parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Linux: the kernel kills this process when the thread that started it ends, however that comes about."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills the process and all it started, and waits for it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def child_process(
    command: Sequence[str | Path],
    directory: Path,
    environment: Mapping[str, str] | None = None,
    terminal: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with an open standard input; its output goes to `stdout` and `stderr` files in `directory`. `terminal`:
    the descriptor that it has for its standard input and output in place of these."""
    with (directory / "stdout").open("wb") as out, (directory / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE if terminal is None else terminal,
            stdout=out if terminal is None else terminal,
            stderr=err,
            cwd=directory,
            env=None if environment is None else dict(environment),
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        try:
            yield process
        finally:
            kill_group(process)
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
