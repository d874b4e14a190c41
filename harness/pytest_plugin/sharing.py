"""One measurement for all workers of pytest-xdist: the first to come measures, the others read its run record."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from harness.store.record import RunRecord


def is_worker(config: pytest.Config) -> bool:
    """Whether this is one of several processes that share the tests of one session."""
    return hasattr(config, "workerinput")


def once_for_all_workers(
    config: pytest.Config, root: Path, results: Path, execute: Callable[[], RunRecord]
) -> RunRecord:
    """The record of `execute`, called by one worker of this session; by the only process where there are no workers."""
    if not is_worker(config):
        return execute()
    from harness.cache import sha256_json
    from harness.store.runs import RunStore

    session = sha256_json([os.getuid(), config.workerinput["testrunuid"], str(root)])[:32]  # type: ignore[attr-defined]
    with _locked(Path(tempfile.gettempdir()) / f"ml-runtime-harness-pytest-{session}") as note:
        finished = os.pread(note, 200, 0).decode()
        if finished:
            return RunStore(results).find(finished)
        record = execute()
        if record.status == "complete":
            os.pwrite(note, record.id.encode(), 0)
        return record


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """An open file that no other process has; the system lets go of it when this one ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
