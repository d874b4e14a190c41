"""The index's own schema over time: numbered steps, each applied once, in one transaction with its number.

An empty database gets the tables of `tables.py` and the newest version at once. An older one is migrated in place, as a
team's holds records and labels: step by step, each the same on SQLite and PostgreSQL. A step, once released, is never
edited; a test makes a database of each version and compares what comes of it with `tables.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, insert, inspect, select, text, update

from harness.errors import HarnessError
from harness.store.index.reading import decompress_record, index_results
from harness.store.index.tables import CONTENTS, METADATA, SCHEMA, SUMMARIES
from harness.store.index.tables import STEPS as STEPS_TABLE
from harness.store.index.writing import Writer

Migration = Callable[[Connection], None]

_LOCK = 0x6861726E657373
"""Key of PostgreSQL's advisory lock: two programs that start at once migrate one after the other."""


def _one_row_a_series(connection: Connection) -> None:
    """Version 1 kept change points by the hash of the values, so that the table grew with every run of every series."""
    connection.execute(text("DROP TABLE steps"))
    STEPS_TABLE.create(connection)


def _by_column(connection: Connection) -> None:
    """Version 2 kept a row a case. Everything but records and labels is made from records, and is made again: here from
    those that the database holds, and beside files by the next indexing, which finds that it has read none."""
    for table in ("results", "runs", "files"):
        connection.execute(text(f"DROP TABLE {table}"))
    METADATA.create_all(connection)
    writer = Writer()
    for id in connection.execute(select(CONTENTS.c.id).order_by(CONTENTS.c.id)).scalars().all():
        name = f"The record {id}"
        packed = connection.execute(select(CONTENTS.c.text).where(CONTENTS.c.id == id)).scalar_one()
        try:
            writer.add(connection, index_results(decompress_record(packed, name), name))
            writer.keep()
        except HarnessError:
            continue  # damaged: `harness index --rebuild` names it


def _with_summaries(connection: Connection) -> None:
    """Version 3 had no summaries of histories: a page of all models took minutes."""
    SUMMARIES.create(connection, checkfirst=True)


STEPS: Sequence[Migration] = (_one_row_a_series, _by_column, _with_summaries)
"""Migrations from version 1 to 2, from 2 to 3, and so on."""


def newest(steps: Sequence[Migration] = STEPS) -> int:
    """The version that this program writes."""
    return 1 + len(steps)


def version_of(connection: Connection) -> int:
    """The version of the database; 0 where it is empty."""
    if not inspect(connection).has_table(SCHEMA.name):
        return 0
    return int(connection.execute(select(SCHEMA.c.version)).scalar_one())


def migrate(connection: Connection, steps: Sequence[Migration] = STEPS) -> None:
    """Bring the database to the newest version, inside the caller's writing transaction.

    Raises `HarnessError` where it is newer than this program.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    version = version_of(connection)
    if version > newest(steps):
        raise HarnessError(
            f"The index has version {version}, this harness knows up to {newest(steps)}: update the harness."
        )
    if version == 0:
        METADATA.create_all(connection)
        connection.execute(insert(SCHEMA).values(version=newest(steps)))
        return
    for number, step in enumerate(steps[version - 1 :], start=version + 1):
        step(connection)
        connection.execute(update(SCHEMA).values(version=number))
