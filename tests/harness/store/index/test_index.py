"""The index follows the records: whole runs, each once, whatever happens to it."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from harness.errors import HarnessError
from harness.store.index.blocks import read_blocks
from harness.store.index.database import INDEX_FILE, Database
from harness.store.index.folder import FolderIndex
from harness.store.index.reading import RecordText
from harness.store.index.run_index import RunIndex, count_runs
from harness.store.index.tables import CELLS, FILES, METADATA, PROVENANCE, RESULTS, RUNS
from harness.store.index.writing import Conflict
from harness.store.runs import RunStore
from harness.store.seal import seal
from tests.harness.fakes.forked import Forked
from tests.harness.store.records import make_case, make_record


def synchronise(results: Path) -> None:
    print(len(FolderIndex(results).synchronise().added))


def text_of(record) -> str:
    return seal(record.model_dump_json() + "\n")


def rows(database: Database) -> set[tuple]:
    """What the index says, without the numbers that depend on the order of writing."""
    found = []
    with database.reading() as connection:
        runs = {row.number: row.id for row in connection.execute(select(RUNS))}
        cells = {row.number: (row.model, row.variant, row.target) for row in connection.execute(select(CELLS))}
        facts = {row.number: row.facts for row in connection.execute(select(PROVENANCE))}
        for block in read_blocks(connection):
            columns = (block.columns["cell"], block.columns["provenance"], block.figure("latency_median_ms"))
            for cell, provenance, median in zip(*(column.tolist() for column in columns), strict=True):
                assert cells[cell][0] == block.model
                found.append((runs[block.run], *cells[cell], facts[provenance], median))
    assert len(found) == len(set(found)), "a row is there twice"
    return set(found)


def whole(database: Database) -> bool:
    """Whether every run has all of its results."""
    query = select(func.sum(RESULTS.c.cases)).group_by(RESULTS.c.run)
    with database.reading() as connection:
        counts = connection.execute(query).scalars().all()
        runs = connection.execute(select(func.count()).select_from(RUNS)).scalar_one()
    return len(counts) == runs and len(set(counts)) <= 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A results folder with ten runs of two cases."""
    store = RunStore(tmp_path)
    for day in range(10):
        store.write(make_record(day, make_case(measured_on=day), make_case("tfjs/wasm", measured_on=day)))
    return tmp_path


class TestFolder:
    def test_every_record_is_read_once(self, folder: Path) -> None:
        index = FolderIndex(folder)
        assert len(index.synchronise().added) == 10
        again = index.synchronise()
        assert (again.added, again.known) == ([], 10)
        assert len(rows(index.database)) == 20

    def test_new_records_are_added_and_those_that_are_gone_are_dropped(self, folder: Path) -> None:
        index = FolderIndex(folder)
        index.synchronise()
        RunStore(folder).write(make_record(20))
        gone = RunStore(folder).paths()[0]
        gone.unlink()
        done = index.synchronise()
        assert done.added == [make_record(20).id]
        assert done.removed == [gone.stem]

    def test_rebuilding_gives_the_same(self, folder: Path) -> None:
        index = FolderIndex(folder)
        index.synchronise()
        before = rows(index.database)
        assert len(index.rebuild().added) == 10
        assert rows(index.database) == before

    def test_records_of_two_machines_are_merged_by_copying(self, folder: Path, tmp_path_factory) -> None:
        other = tmp_path_factory.mktemp("other")
        for day in range(5):
            RunStore(other).write(make_record(day, machine="server"))
        for path in RunStore(other).paths():
            (RunStore(folder).folder / path.name).write_bytes(path.read_bytes())
        index = FolderIndex(folder)
        assert len(index.synchronise().added) == 15
        with index.database.reading() as connection:
            assert set(connection.execute(select(RUNS.c.machine)).scalars()) == {"laptop", "server"}

    def test_a_damaged_record_is_named_and_left_out_until_it_is_restored(self, folder: Path) -> None:
        path = RunStore(folder).paths()[3]
        good = path.read_bytes()
        path.write_bytes(good.replace(b'"median_ms":1.0', b'"median_ms":9.0'))
        index = FolderIndex(folder)
        done = index.synchronise()
        assert len(done.added) == 9
        assert path.name in done.problems
        assert "is damaged" in done.problems[path.name]
        assert path.name in index.synchronise().problems, "it is named again, though it is not read again"
        path.write_bytes(good)
        assert index.synchronise().added == [path.stem]

    def test_a_record_that_is_damaged_later_leaves_the_index(self, folder: Path) -> None:
        index = FolderIndex(folder)
        index.synchronise()
        path = RunStore(folder).paths()[3]
        path.write_bytes(path.read_bytes()[:-10])
        assert path.name in index.synchronise().problems
        assert count_runs(index.database) == 9

    def test_a_record_without_a_seal_that_is_not_what_it_was_is_named(self, tmp_path: Path) -> None:
        path = RunStore(tmp_path).write_text(make_record().id, make_record().model_dump_json())
        index = FolderIndex(tmp_path)
        assert index.synchronise().added == [make_record().id]
        good = path.read_bytes()
        path.write_bytes(good.replace(b'"median_ms":1.0', b'"median_ms":9.0'))
        for moment in (1, 1, 2):
            os.utime(path, ns=(moment, moment))
            assert "is not what it was when it was first read" in index.synchronise().problems[path.name]
            assert count_runs(index.database) == 0
        path.write_bytes(good)
        assert index.synchronise().added == [make_record().id]

    def test_two_files_with_one_record_are_one_run_while_either_is_there(self, folder: Path) -> None:
        path = RunStore(folder).paths()[0]
        copy = path.with_name("copy.json")
        copy.write_bytes(path.read_bytes())
        index = FolderIndex(folder)
        assert len(index.synchronise().added) == 10
        path.unlink()
        assert index.synchronise().removed == []
        copy.unlink()
        assert index.synchronise().removed == [path.stem]

    def test_two_different_records_with_one_id_are_named(self, folder: Path) -> None:
        path = RunStore(folder).paths()[0]
        path.with_name("zzz.json").write_text(text_of(make_record(0).model_copy(update={"command": "other"})))
        done = FolderIndex(folder).synchronise()
        assert len(done.added) == 10
        assert "Two different records" in done.problems["zzz.json"]

    def test_a_case_that_is_there_twice_is_a_problem(self, tmp_path: Path) -> None:
        RunStore(tmp_path).write(make_record(0, make_case(), make_case()))
        done = FolderIndex(tmp_path).synchronise()
        assert "digits/int8/tflite/litert twice" in next(iter(done.problems.values()))

    def test_an_index_that_is_no_database_any_more_is_made_again(self, folder: Path) -> None:
        (folder / INDEX_FILE).write_bytes(b"not a database " * 1000)
        index = FolderIndex(folder)
        with pytest.raises(HarnessError, match="not a database"):
            index.synchronise()
        assert len(index.rebuild().added) == 10

    @pytest.mark.long
    def test_two_processes_at_once_add_each_run_once(self, folder: Path) -> None:
        for day in range(10, 60):
            RunStore(folder).write(make_record(day))
        both = [Forked(synchronise, folder) for _ in range(2)]
        ended = [one.communicate() for one in both]
        assert [code for code, _, _ in ended] == [0, 0]
        assert sum(int(added) for _, added, _ in ended) == 60
        index = FolderIndex(folder)
        assert count_runs(index.database) == 60
        assert len(rows(index.database)) == 70

    @pytest.mark.long
    def test_a_kill_in_the_middle_leaves_a_valid_index_that_is_completed(self, tmp_path: Path) -> None:
        cases = [make_case(f"tflite/runtime-{number}") for number in range(20)]
        for day in range(50):
            RunStore(tmp_path).write(make_record(day, *cases))
        kills = 0
        for _ in range(30):
            process = Forked(synchronise, tmp_path)
            before = _count(tmp_path)
            while process.poll() is None and _count(tmp_path) < before + 5:
                time.sleep(0.005)
            process.kill()
            if process.wait() == 0:  # it was ready before the kill: again from the beginning
                (tmp_path / INDEX_FILE).unlink()
                continue
            kills += 1
            assert whole(FolderIndex(tmp_path).database)
            if kills == 3:
                break
        assert kills == 3
        index = FolderIndex(tmp_path)
        index.synchronise()
        assert count_runs(index.database) == 50
        assert whole(index.database)


def _count(results: Path) -> int:
    try:
        return count_runs(FolderIndex(results).database)
    except HarnessError:
        return 0


class TestDatabase:
    """The same on SQLite and PostgreSQL."""

    def test_a_record_is_added_once(self, database: Database) -> None:
        index = RunIndex(database, keep_contents=True)
        assert index.add(RecordText(text_of(make_record()), "it"))
        assert not index.add(RecordText(text_of(make_record()), "it"))
        assert len(rows(database)) == 1

    def test_two_different_records_with_one_id_are_a_conflict(self, database: Database) -> None:
        index = RunIndex(database, keep_contents=True)
        index.add(RecordText(text_of(make_record()), "it"))
        other = make_record().model_copy(update={"command": "other"})
        with pytest.raises(Conflict):
            index.add(RecordText(text_of(other), "other"))

    def test_the_records_themselves_come_back_byte_for_byte(self, database: Database) -> None:
        index = RunIndex(database, keep_contents=True)
        index.add(RecordText(text_of(make_record()), "it"))
        assert [(id, read()) for id, read in index.contents()] == [(make_record().id, text_of(make_record()))]

    def test_the_index_is_made_again_from_the_records(self, database: Database) -> None:
        index = RunIndex(database, keep_contents=True)
        for day in range(3):
            index.add(RecordText(text_of(make_record(day)), "it"))
        before = rows(database)
        assert len(index.rebuild_from_contents().added) == 3
        assert rows(database) == before

    def test_a_failure_in_the_middle_of_a_record_leaves_nothing_of_it(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        index = RunIndex(database, keep_contents=True)

        def fails(*arguments: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(index.writer, "_add_results", fails)
            with pytest.raises(KeyboardInterrupt):
                index.add(RecordText(text_of(make_record()), "it"))
        assert count_runs(database) == 0
        assert index.add(RecordText(text_of(make_record()), "it"))

    def test_infinite_and_missing_figures_are_null(self, database: Database) -> None:
        RunIndex(database).add(RecordText(text_of(make_record(0, make_case(finite=False, median_ms=None))), "it"))
        with database.reading() as connection:
            (block,) = read_blocks(connection)
        assert block.figure("artifact_bytes").tolist() == [1000]
        assert set(block.figures) == {"artifact_bytes"}

    def test_every_table_is_there_and_files_are_not_named(self, database: Database) -> None:
        RunIndex(database).add(RecordText(text_of(make_record()), "it"))
        with database.reading() as connection:
            assert {name for name in METADATA.tables if connection.dialect.has_table(connection, name)} == set(
                METADATA.tables
            )
            assert connection.execute(select(FILES)).all() == []


def add_thirty(url: str, days: Iterable[int]) -> None:
    index = RunIndex(Database(url), keep_contents=True)
    for day in days:
        cases = [make_case(f"tflite/runtime-{number}", model=f"model-{day}") for number in range(20)]
        index.add(RecordText(text_of(make_record(day, *cases)), "it"))


@pytest.mark.long
def test_two_writers_from_both_ends_add_every_record_once(database: Database) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    both = [Forked(add_thirty, url, days) for days in (range(30), range(29, -1, -1))]
    assert [one.communicate()[0] for one in both] == [0, 0]
    assert count_runs(database) == 30
    assert len(rows(database)) == 600
