"""Push and pull: nothing lost, nothing twice, byte for byte."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from harness.errors import HarnessError
from harness.store.index.database import INDEX_FILE, VARIABLE, Database, DatabaseAway
from harness.store.index.folder import FolderIndex, hashes
from harness.store.index.migrations import newest
from harness.store.index.run_index import count_runs
from harness.store.index.tables import FILES, SCHEMA, SUMMARIES
from harness.store.labels import Label, LabelFiles, LabelTable
from harness.store.runs import RunStore, parse_document, read_text
from harness.store.transfer import WAITS_SECONDS, DatabaseRecords, FolderRecords, other_side, transfer
from tests.harness.store.postgres import Cluster, programs
from tests.harness.store.records import make_record

LABEL = Label("digits", "int8", "tflite/litert", "latency.median_ms", "laptop", "", "run", 1.0, 1, "noise", "ü", 2.0)


@pytest.fixture
def laptop(tmp_path: Path) -> Path:
    """A results folder with twelve runs and a label."""
    results = tmp_path / "laptop"
    for day in range(12):
        RunStore(results).write(make_record(day))
    LabelFiles(results).put(LABEL)
    return results


def contents(results: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in RunStore(results).paths()}


class TestFolders:
    def test_records_and_labels_are_copied_byte_for_byte_and_once(self, laptop: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        first = transfer(FolderRecords(laptop), FolderRecords(other))
        again = transfer(FolderRecords(laptop), FolderRecords(other))
        assert (len(first.sent), first.labels) == (12, 1)
        assert (again.sent, again.known, again.labels) == ([], 12, 0)
        assert contents(other) == contents(laptop)
        assert LabelFiles(other).of("digits") == [LABEL]

    def test_an_index_of_an_older_program_stays_as_it_is(self, laptop: Path, tmp_path: Path) -> None:
        """Whoever reads that folder by an older program goes on doing so."""
        index = FolderIndex(laptop)
        index.synchronise()
        with index.database.writing() as connection:
            connection.execute(SUMMARIES.delete())
            connection.execute(update(SCHEMA).values(version=newest() - 1))
        before = (laptop / INDEX_FILE).read_bytes()
        assert len(transfer(FolderRecords(laptop), FolderRecords(tmp_path / "other")).sent) == 12
        assert (laptop / INDEX_FILE).read_bytes() == before
        assert hashes(laptop) == {}

    def test_what_an_index_knows_is_not_read_again(self, laptop: Path) -> None:
        FolderIndex(laptop).synchronise()
        files = set(laptop.iterdir())
        known = {waiting.name: waiting.sha256 for waiting in FolderRecords(laptop).all()}
        assert known == {name: hashlib.sha256(content).hexdigest() for name, content in contents(laptop).items()}
        assert set(laptop.iterdir()) == files

    def test_what_somebody_is_writing_to_an_index_is_seen_too(self, laptop: Path) -> None:
        index = FolderIndex(laptop)
        index.synchronise()
        first = RunStore(laptop).paths()[0].name
        with index.database.reading():  # as long as one program has it open, what is written stays in the log
            with index.database.writing() as connection:
                connection.execute(delete(FILES).where(FILES.c.name == first))
            assert set(hashes(laptop)) == contents(laptop).keys() - {first}

    def test_a_damaged_record_is_named_and_not_sent(self, laptop: Path, tmp_path: Path) -> None:
        path = RunStore(laptop).paths()[2]
        path.write_bytes(path.read_bytes().replace(b"laptop", b"lapdog", 1))
        moved = transfer(FolderRecords(laptop), FolderRecords(tmp_path / "other"))
        assert len(moved.sent) == 11
        assert list(moved.problems) == [path.name]

    def test_a_damaged_record_is_restored_from_the_other_side(self, laptop: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        transfer(FolderRecords(laptop), FolderRecords(other))
        path = RunStore(other).paths()[2]
        path.write_bytes(b"damaged")
        assert transfer(FolderRecords(laptop), FolderRecords(other)).sent == [path.stem]
        assert contents(other) == contents(laptop)
        assert path.with_suffix(".json.damaged").read_bytes() == b"damaged"

    def test_two_records_with_one_id_both_stay(self, laptop: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        RunStore(other).write(make_record(3).model_copy(update={"command": "other"}))
        before = contents(other)
        moved = transfer(FolderRecords(laptop), FolderRecords(other))
        assert "another record" in next(iter(moved.problems.values()))
        assert len(moved.sent) == 11
        assert contents(other).items() >= before.items()


class TestDatabase:
    def test_what_is_pushed_is_pulled_elsewhere_byte_for_byte(
        self, laptop: Path, tmp_path: Path, database: Database
    ) -> None:
        team = DatabaseRecords(database)
        assert len(transfer(FolderRecords(laptop), team).sent) == 12
        assert transfer(FolderRecords(laptop), DatabaseRecords(database)).known == 12
        back = transfer(DatabaseRecords(database), FolderRecords(tmp_path / "other"))
        assert (len(back.sent), back.labels) == (12, 1)
        assert contents(tmp_path / "other") == contents(laptop)
        assert LabelTable(database).of(None) == [LABEL]

    def test_two_laptops_meet_in_the_team_s_database(self, laptop: Path, tmp_path: Path, database: Database) -> None:
        second = tmp_path / "second"
        for day in range(6, 18):
            RunStore(second).write(make_record(day))
        for results in (laptop, second, laptop):
            transfer(FolderRecords(results), DatabaseRecords(database))
        transfer(DatabaseRecords(database), FolderRecords(laptop))
        assert len(contents(laptop)) == 18


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A server that this test may crash."""
    server = Cluster(programs())
    yield server
    server.remove()


def crash_after(count: int, server: Cluster) -> Callable[[str], None]:
    """Progress that pulls the plug once `count` records are there."""
    seen: list[str] = []

    def progress(message: str) -> None:
        seen.append(message)
        if len(seen) == count:
            server.crash()

    return progress


@pytest.mark.needs("postgresql")
def test_a_server_that_goes_away_in_mid_push_and_comes_back_has_everything_once(
    laptop: Path, own_cluster: Cluster
) -> None:
    waits = []

    def restart(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            own_cluster.start()

    moved = transfer(FolderRecords(laptop), other_side(own_cluster.url()), crash_after(5, own_cluster), restart)
    assert waits == list(WAITS_SECONDS[:2])
    assert len(moved.sent) + moved.known == 12
    database = Database(own_cluster.url())
    assert count_runs(database) == 12
    assert transfer(FolderRecords(laptop), DatabaseRecords(database)).known == 12


@pytest.mark.needs("postgresql")
def test_a_server_that_stays_away_is_told_and_the_same_command_moves_the_rest(
    laptop: Path, own_cluster: Cluster
) -> None:
    with pytest.raises(DatabaseAway, match="5 records are there; the same command moves the rest"):
        transfer(FolderRecords(laptop), other_side(own_cluster.url()), crash_after(5, own_cluster), lambda _: None)
    own_cluster.start()
    moved = transfer(FolderRecords(laptop), other_side(own_cluster.url()))
    assert (len(moved.sent), moved.known) == (7, 5)
    assert len(contents(laptop)) == 12, "the laptop's records are as they were"


def test_nowhere_to_push_to_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(HarnessError, match=VARIABLE):
        other_side(None)


def test_what_the_index_knows_and_the_other_side_holds_is_not_read_again(
    laptop: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    FolderIndex(laptop).synchronise()
    transfer(FolderRecords(laptop), DatabaseRecords(database))
    RunStore(laptop).write(make_record(20))
    damaged = RunStore(laptop).paths()[2]
    damaged.write_bytes(damaged.read_bytes().replace(b"laptop", b"lapdog", 1))
    os.utime(damaged, (1, 1))
    read: list[str] = []
    monkeypatch.setattr("harness.store.transfer.read_text", lambda path: read.append(path.name) or read_text(path))
    moved = transfer(FolderRecords(laptop), DatabaseRecords(database))
    assert (moved.sent, moved.known, list(moved.problems)) == ([make_record(20).id], 11, [damaged.name])
    assert read == [damaged.name, f"{make_record(20).id}.json"], "what changed on disk, and what is new"


def test_an_index_that_cannot_be_read_is_not_needed(laptop: Path, database: Database) -> None:
    (laptop / INDEX_FILE).write_bytes(b"not a database " * 1000)
    assert len(transfer(FolderRecords(laptop), DatabaseRecords(database)).sent) == 12


def test_a_record_is_understood_once_on_its_way(
    laptop: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(text: str, name: str) -> dict[str, object]:
        read.append(name)
        return parse_document(text, name)

    monkeypatch.setattr("harness.store.index.reading.parse_document", counted)
    assert len(transfer(FolderRecords(laptop), DatabaseRecords(database)).sent) == 12
    assert read == [path.name for path in RunStore(laptop).paths()]
