"""What the summaries of a model must have been made from, as one hash: nothing older is taken for current."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, select

from harness.history.change_point_cache import method_digest
from harness.store.index.tables import RESULTS, RUNS
from harness.store.labels import Label

_CODE = ("case_history", "compact", "differences", "metrics", "series", "summaries", "thinning")
"""Modules beside this one that make summaries, besides those that find change points."""


def states(connection: Connection, labels: Sequence[Label]) -> dict[str, str]:
    """Model to the hash of its runs, all of them, of its labels, and of the code."""
    own: dict[str, list[str]] = {}
    for label in labels:
        own.setdefault(label.model, []).append(label.id)
    # Numbers say nothing: SQLite gives that of the newest run again once that was taken out.
    records = {row.number: row.sha256 for row in connection.execute(select(RUNS.c.number, RUNS.c.sha256))}
    runs: dict[str, list[str]] = {}
    for model, number in connection.execute(select(RESULTS.c.model, RESULTS.c.run)):
        runs.setdefault(model, []).append(records[number])
    return {
        model: hashlib.sha256(
            b"\0".join([_code(), *(" ".join(sorted(of)).encode() for of in (hashes, own.get(model, [])))])
        ).hexdigest()
        for model, hashes in runs.items()
    }


@cache
def _code() -> bytes:
    files = (Path(__file__).with_name(f"{name}.py") for name in _CODE)
    return hashlib.sha256(b"\0".join([method_digest(), *(path.read_bytes() for path in files)])).digest()
