"""Caches for tests, which share what no test is about: it is named after all that it is made of."""

from __future__ import annotations

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
