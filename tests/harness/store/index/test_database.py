"""The database's own schema, its URL, and what a person is told when it is away."""

import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, func, inspect, select, text

from harness.errors import HarnessError
from harness.store.index.blocks import read_blocks
from harness.store.index.database import Database, DatabaseAway
from harness.store.index.migrations import STEPS, migrate, newest, version_of
from harness.store.index.reading import RecordText, sha256_text
from harness.store.index.rows import run_row
from harness.store.index.run_index import RunIndex
from harness.store.index.tables import CONTENTS, FILES, METADATA, RUNS
from harness.store.seal import seal
from tests.harness.store.records import make_case, make_record

REPOSITORY = Path(__file__).parents[4]


def test_an_empty_database_gets_the_newest_version(database: Database) -> None:
    with database.reading() as connection:
        assert version_of(connection) == newest()


RUN = make_record(0, make_case(median_ms=3.0))


def as_version_2(database: Database) -> None:
    """Make of a new database one as version 2 was, which kept a row a case; it holds a record and its row."""
    with database.writing() as connection:
        for table in ("history_summaries", "figures", "results", "arrays"):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(
            text("CREATE TABLE results (run INTEGER REFERENCES runs, cell INTEGER, median DOUBLE PRECISION)")
        )
        connection.execute(text("INSERT INTO artifacts (number, digest) VALUES (1000, 'kept')"))
        content = seal(RUN.model_dump_json())
        digest = sha256_text(content)
        row = {"id": RUN.id, "sha256": digest, "text": zlib.compress(content.encode())}
        connection.execute(CONTENTS.insert().values(row))
        connection.execute(RUNS.insert().values(number=1, **run_row(RUN.model_dump(mode="json"), digest)))
        connection.execute(text("INSERT INTO results VALUES (1, 1, 3.0)"))
        connection.execute(FILES.insert().values(name="a.json", bytes=1, modified_ns=1, run=RUN.id))
        connection.execute(text("UPDATE index_schema SET version = 2"))


def as_version_1(database: Database) -> None:
    """As version 1 was: its change points were in a table of another form."""
    as_version_2(database)
    with database.writing() as connection:
        connection.execute(text("DROP TABLE series_steps"))
        connection.execute(text("CREATE TABLE steps (digest VARCHAR(64) PRIMARY KEY, steps TEXT NOT NULL)"))
        connection.execute(text("INSERT INTO steps VALUES ('a', '[]')"))
        connection.execute(text("UPDATE index_schema SET version = 1"))


def as_version_3(database: Database) -> None:
    """As version 3 was: it kept no summaries of histories."""
    RunIndex(database, keep_contents=True).add(RecordText(seal(RUN.model_dump_json()), "it"))
    with database.writing() as connection:
        connection.execute(text("DROP TABLE history_summaries"))
        connection.execute(text("INSERT INTO artifacts (number, digest) VALUES (1000, 'kept')"))
        connection.execute(text("UPDATE index_schema SET version = 3"))


OLDER = {1: as_version_1, 2: as_version_2, 3: as_version_3}


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
        assert "kept" in connection.execute(text("SELECT digest FROM artifacts")).scalars().all()
        # Results are made again from the record that is there; files are read again.
        (block,) = read_blocks(connection)
        assert block.figure("latency_median_ms").tolist() == [3.0]
        assert count_rows(connection, RUNS) == 1
        assert count_rows(connection, FILES) == 0
    again.close()


def count_rows(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


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


def test_what_is_read_together_is_one_state_while_others_write(database: Database) -> None:
    other = Database(database.engine.url.render_as_string(hide_password=False))
    with database.reading() as connection:
        before = count_rows(connection, RUNS)
        RunIndex(other).add(RecordText(seal(RUN.model_dump_json()), "it"))
        assert count_rows(connection, RUNS) == before == 0
        assert list(read_blocks(connection)) == []
    with database.reading() as connection:
        assert count_rows(connection, RUNS) == 1
    other.close()


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
    away = Database(f"postgresql://me:secret@/name?host={tmp_path}")
    with pytest.raises(DatabaseAway) as caught, away.reading():
        pass
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
