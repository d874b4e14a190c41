"""Caches for tests, which share what no test is about: it is named after all that it is made of; and what is made once
for all processes of a run."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

KEPT = Path(__file__).parents[1] / ".harness"
"""Of this checkout: kept between runs."""
SHARED = ("dashboard", "firmware")
"""The packed drawings of the dashboard (3 s of processor), and what the firmware's compiler wrote."""


def new_cache(folder: Path) -> Path:
    """Make a folder that can be a `HARNESS_CACHE`: it knows no measurement and no artifact."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHARED:
        (KEPT / name).mkdir(parents=True, exist_ok=True)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(KEPT / name)
    return folder


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """The folder, filled by `make` unless another process has done so; one that is at it is waited for."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            begun = folder.with_name(f"{folder.name}.begun")
            shutil.rmtree(begun, ignore_errors=True)
            begun.mkdir()
            make(begun)
            begun.rename(folder)
    return folder
