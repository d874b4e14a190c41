"""Change points that were computed before, kept in the index by what decides them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from harness.errors import HarnessError
from harness.history import change_points, e_divisive
from harness.history.change_points import Step, exact_steps, noisy_steps
from harness.history.series import Series
from harness.store.index.database import Database
from harness.store.index.tables import STEPS

_MANY = 500


def steps_of(
    database: Database, series: Sequence[Series], progress: Callable[[str], None] = lambda _: None
) -> list[list[Step]]:
    """The change points of each series. What is not known is computed, and kept where the index can be written."""
    method = _method()
    digests = [None if one.metric.exact else _digest(method, one) for one in series]
    known = _read(database, [digest for digest in digests if digest is not None])
    fresh: dict[str, str] = {}
    found = []
    for one, digest in zip(series, digests, strict=True):
        if digest is None:
            found.append(exact_steps(one.values.tolist()))
        elif digest in known:
            found.append([Step(**step) for step in json.loads(known[digest])])
        else:
            progress(one.key.case)
            found.append(noisy_steps(one.values.tolist()))
            fresh[digest] = json.dumps([asdict(step) for step in found[-1]])
    _write(database, fresh)
    return found


def _method() -> bytes:
    """Of the code that finds change points: another method makes other points."""
    files = (Path(module.__file__ or "") for module in (change_points, e_divisive))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).digest()


def _digest(method: bytes, series: Series) -> str:
    return hashlib.sha256(method + series.values.tobytes()).hexdigest()


def _read(database: Database, digests: list[str]) -> dict[str, str]:
    known: dict[str, str] = {}
    with database.reading() as connection:
        for start in range(0, len(digests), _MANY):
            query = select(STEPS.c.digest, STEPS.c.steps).where(STEPS.c.digest.in_(digests[start : start + _MANY]))
            known |= {row.digest: row.steps for row in connection.execute(query)}
    return known


def _write(database: Database, fresh: dict[str, str]) -> None:
    if not fresh:
        return
    insert = postgresql.insert if database.is_postgresql else sqlite.insert
    rows = [{"digest": digest, "steps": steps} for digest, steps in sorted(fresh.items())]
    try:
        with database.writing() as connection:
            connection.execute(insert(STEPS).on_conflict_do_nothing(index_elements=["digest"]), rows)
    except HarnessError:
        return  # read-only, or busy: they are computed again next time, and nothing else is lost
