"""Connections to the index: SQLite in WAL mode beside the records, or PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from harness.errors import HarnessError
from harness.store.index.migrations import migrate, newest, version_of

VARIABLE = "HARNESS_DATABASE_URL"
INDEX_FILE = "index.sqlite"
BUSY_SECONDS = 60.0
"""How long a writer waits for another on SQLite."""


class Database:
    """An index's database. Nothing is opened before it is needed; an empty database gets its tables then."""

    def __init__(self, url: str) -> None:
        """`url` as SQLAlchemy writes it. Raises `HarnessError` where it names no database that this can use."""
        try:
            parsed = make_url(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url))
            self.name = parsed.render_as_string(hide_password=True).replace("+psycopg", "")
            if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
                raise HarnessError(f"{self.name} is neither a sqlite nor a postgresql URL.")
            self.engine = _engine(parsed)
        except (ArgumentError, NoSuchModuleError) as error:
            raise HarnessError("The database URL cannot be read; write postgresql://user@host/name.") from error
        except ModuleNotFoundError as error:
            raise HarnessError(
                f"PostgreSQL needs {error.name}: uv pip install 'ml-runtime-harness[postgres]'."
            ) from error
        self._ready = False

    @classmethod
    def beside(cls, results: Path) -> Database:
        """The SQLite index of a results folder."""
        results.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{results / INDEX_FILE}")

    @property
    def is_postgresql(self) -> bool:
        """Whether it is a team's PostgreSQL, and not SQLite."""
        return self.engine.dialect.name == "postgresql"

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the index. Raises `HarnessError` where the database is away."""
        self._prepare()
        with _told(self.name), self.engine.connect() as plain:
            # PostgreSQL would let each statement see what others have written meanwhile.
            connection = plain.execution_options(isolation_level="REPEATABLE READ") if self.is_postgresql else plain
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is kept whole or not at all. Raises `HarnessError` where the database is away."""
        self._prepare()
        with self._writing() as connection:
            yield connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _told(self.name), self.engine.connect() as plain:
            connection = plain.execution_options(harness_writes=True)
            with connection.begin():
                yield connection

    def _prepare(self) -> None:
        if self._ready:
            return
        with _told(self.name):
            with self.engine.connect() as connection, connection.begin():
                current = version_of(connection)
            # A reader of an index that is up to date never asks for the writer's lock.
            if current != newest():
                with self._writing() as connection:
                    migrate(connection)
        self._ready = True

    def close(self) -> None:
        """End every connection."""
        self.engine.dispose()


@contextlib.contextmanager
def reading_as_it_is(path: Path) -> Iterator[Connection]:
    """A transaction that reads somebody else's SQLite index and never changes it, not even to migrate it. Raises
    `HarnessError` where the index cannot be read or is of another version than this program's."""
    url = f"{path.resolve().as_uri()}?mode=ro"
    if not path.with_name(f"{path.name}-wal").exists():
        url += "&immutable=1"  # nobody writes; without it SQLite leaves files beside the index, in this reader's name
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(url, uri=True), poolclass=NullPool)
    with _told(str(path)), engine.connect() as connection, connection.begin():
        version = version_of(connection)
        if version != newest():
            raise HarnessError(f"The index {path} has version {version}; `harness index` there brings it up to date.")
        yield connection


def team_url() -> str | None:
    """The team's database, as `HARNESS_DATABASE_URL` names it; None where it is not set."""
    return os.environ.get(VARIABLE) or None


def _engine(url: Any) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        # SQLAlchemy begins transactions itself (below); the driver's own late BEGIN would let two writers deadlock.
        connection.isolation_level = None
        for attempt in range(50):
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError:  # two first openings at once: the switch to WAL does not wait for the lock
                if attempt == 49:
                    raise
                time.sleep(0.1)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-65536")
        connection.execute("PRAGMA temp_store=MEMORY")

    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        writes = connection.get_execution_options().get("harness_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """The driver's errors as one sentence; what a statement looked like is no help to a person."""
    try:
        yield
    except DBAPIError as error:
        first = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        raise DatabaseAway(f"The database {name} does not answer as it should ({first}).") from error
    except SQLAlchemyError as error:
        raise HarnessError(f"The database {name} cannot be used ({str(error).splitlines()[0]}).") from error


class DatabaseAway(HarnessError):
    """The database went away, is locked for too long, or is no index; what was not kept can be sent again."""
