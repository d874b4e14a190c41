"""The database's own schema, its URL, and what a person is told when it is away."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, inspect, text

from harness.errors import HarnessError
from harness.store.index.database import Database, DatabaseAway
from harness.store.index.migrations import STEPS, migrate, newest, version_of
from harness.store.index.tables import METADATA

REPOSITORY = Path(__file__).parents[4]


def test_an_empty_database_gets_the_newest_version(database: Database) -> None:
    with database.reading() as connection:
        assert version_of(connection) == newest()


def as_version_1(database: Database) -> None:
    """Make of a new database one as version 1 was: its change points were in a table of another form."""
    with database.writing() as connection:
        connection.execute(text("DROP TABLE series_steps"))
        connection.execute(text("CREATE TABLE steps (digest VARCHAR(64) PRIMARY KEY, steps TEXT NOT NULL)"))
        connection.execute(text("INSERT INTO steps VALUES ('a', '[]')"))
        connection.execute(text("INSERT INTO artifacts (number, digest) VALUES (1, 'kept')"))
        connection.execute(text("UPDATE index_schema SET version = 1"))


OLDER = {1: as_version_1}


@pytest.mark.parametrize("version", range(1, newest()))
def test_a_database_of_each_older_version_becomes_what_is_written(database: Database, version: int) -> None:
    OLDER[version](database)
    again = Database(database.engine.url.render_as_string(hide_password=False))
    with again.reading() as connection:
        assert version_of(connection) == newest()
        found = inspect(connection)
        assert set(found.get_table_names()) == set(METADATA.tables)
        for table in METADATA.sorted_tables:
            assert {column["name"] for column in found.get_columns(table.name)} == set(table.c.keys())
        assert connection.execute(text("SELECT digest FROM artifacts")).scalar_one() == "kept"
    again.close()


def test_a_later_step_is_applied_once_and_keeps_what_is_there(database: Database) -> None:
    applied = []

    def second(connection) -> None:
        applied.append(True)
        Table("later", MetaData(), Column("number", Integer)).create(connection)

    with database.writing() as connection:
        connection.execute(text("INSERT INTO artifacts (number, digest) VALUES (1, 'kept')"))
        migrate(connection, (*STEPS, second))
        migrate(connection, (*STEPS, second))
    with database.reading() as connection:
        assert applied == [True]
        assert version_of(connection) == newest() + 1
        assert connection.execute(text("SELECT digest FROM artifacts")).scalar_one() == "kept"


def test_a_step_that_fails_leaves_the_version_before(database: Database) -> None:
    def fails(connection) -> None:
        Table("half", MetaData(), Column("number", Integer)).create(connection)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), database.writing() as connection:
        migrate(connection, (*STEPS, fails))
    with database.reading() as connection:
        assert version_of(connection) == newest()
        assert not inspect(connection).has_table("half")


def test_a_newer_database_says_so(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE index_schema SET version = 99"))
    again = Database(database.engine.url.render_as_string(hide_password=False))
    with pytest.raises(HarnessError, match="update the harness"), again.reading():
        pass
    again.close()


OPEN = "import sys; from harness.store.index.database import Database\nwith Database(sys.argv[1]).reading(): pass"


def test_several_first_openings_at_once_make_one_database(tmp_path: Path, postgres_url: str) -> None:
    for url in (f"sqlite:///{tmp_path / 'index.sqlite'}", postgres_url):
        all = [subprocess.Popen([sys.executable, "-c", OPEN, url], cwd=REPOSITORY) for _ in range(4)]
        assert [one.wait(timeout=60) for one in all] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/name", "neither a sqlite nor a postgresql URL"),
        ("://", "cannot be read"),
        ("nonsense", "cannot be read"),
        ("nosuch://x", "neither a sqlite nor|cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_is_one_sentence(url: str, said: str) -> None:
    with pytest.raises(HarnessError, match=said):
        Database(url)


def test_a_server_that_is_away_is_one_sentence_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    away = Database(f"postgresql://me:secret@/name?host={tmp_path}")
    with pytest.raises(DatabaseAway) as caught, away.reading():
        pass
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
