"""Keeps computed change points in the index, each with the hash of the values and the method that decide them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from harness.errors import HarnessError
from harness.history import change_points, e_divisive
from harness.history.change_points import LevelShift, exact_steps, noisy_steps
from harness.history.series import Series
from harness.store.index.database import Database
from harness.store.index.tables import STEPS

_MANY = 500


def steps_of(
    database: Database, series: Sequence[Series], progress: Callable[[str], None] = lambda _: None
) -> list[list[LevelShift]]:
    """The change points of each series. What is not known is computed, and kept where the index can be written."""
    method = method_digest()
    names = [_name(one) for one in series]
    digests = [_digest(method, one) for one in series]
    noisy = [name for name, one in zip(names, series, strict=True) if not one.metric.exact]
    known = _read(database, noisy)
    fresh: list[dict[str, str]] = []
    found = []
    for one, name, digest in zip(series, names, digests, strict=True):
        if one.metric.exact:
            found.append(exact_steps(one.values.tolist()))
        elif known.get(name, ("", ""))[0] == digest:
            found.append([LevelShift(**step) for step in json.loads(known[name][1])])
        else:
            progress(one.key.case)
            found.append(noisy_steps(one.values.tolist()))
            fresh.append({"series": name, "digest": digest, "steps": json.dumps([asdict(step) for step in found[-1]])})
    _write(database, fresh)
    return found


def _name(series: Series) -> str:
    return hashlib.sha256("\0".join(astuple(series.key)).encode()).hexdigest()


@cache
def method_digest() -> bytes:
    """Hash of the code that finds change points: another method finds other points."""
    files = (Path(module.__file__ or "") for module in (change_points, e_divisive))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).digest()


def _digest(method: bytes, series: Series) -> str:
    return hashlib.sha256(method + series.values.tobytes()).hexdigest()


def _read(database: Database, names: list[str]) -> dict[str, tuple[str, str]]:
    known: dict[str, tuple[str, str]] = {}
    with database.reading() as connection:
        for start in range(0, len(names), _MANY):
            query = select(STEPS).where(STEPS.c.series.in_(names[start : start + _MANY]))
            known |= {row.series: (row.digest, row.steps) for row in connection.execute(query)}
    return known


def _write(database: Database, fresh: list[dict[str, str]]) -> None:
    if not fresh:
        return
    insert: Any = postgresql.insert if database.is_postgresql else sqlite.insert
    statement = insert(STEPS)
    changed = {name: statement.excluded[name] for name in ("digest", "steps")}
    statement = statement.on_conflict_do_update(index_elements=["series"], set_=changed)
    try:
        with database.writing() as connection:
            # In one order, so that two writers on PostgreSQL never wait for each other in a circle.
            connection.execute(statement, sorted(fresh, key=lambda row: row["series"]))
    except HarnessError:
        return  # read-only, or busy: they are computed again next time, and nothing else is lost
