"""The index's own schema over time: numbered steps, each applied once, in one transaction with its number.

A team's database is migrated in place, as it holds records and labels. Steps are written in Core, so that they are the
same on SQLite and PostgreSQL. A step, once released, is never edited: `tables.py` is what all of them together make.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, insert, inspect, select, text, update

from harness.errors import HarnessError
from harness.store.index.tables import METADATA, SCHEMA

Step = Callable[[Connection], None]

_LOCK = 0x6861726E657373
"""Key of PostgreSQL's advisory lock: two programs that start at once migrate one after the other."""


def _first(connection: Connection) -> None:
    METADATA.create_all(connection)


STEPS: Sequence[Step] = (_first,)


def version_of(connection: Connection) -> int:
    """The version of the database; 0 where it is empty."""
    if not inspect(connection).has_table(SCHEMA.name):
        return 0
    return int(connection.execute(select(SCHEMA.c.version)).scalar_one())


def migrate(connection: Connection, steps: Sequence[Step] = STEPS) -> None:
    """Bring the database to the newest version, inside the caller's writing transaction.

    Raises `HarnessError` where it is newer than this program.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    version = version_of(connection)
    if version > len(steps):
        raise HarnessError(
            f"The index has version {version}, this harness knows up to {len(steps)}: update the harness."
        )
    for number, step in enumerate(steps[version:], start=version + 1):
        step(connection)
        if number == 1:
            connection.execute(insert(SCHEMA).values(version=1))
        else:
            connection.execute(update(SCHEMA).values(version=number))
