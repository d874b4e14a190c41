"""The commands disturbed, as processes: killed, two at once, beside a writer, on damaged records, with a server that
goes away. Nothing is lost, nothing is there twice."""

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.store.index.database import INDEX_FILE, VARIABLE, Database
from harness.store.index.folder import FolderIndex
from harness.store.runs import RunStore
from tests.harness.fakes.forked import Forked, command
from tests.harness.store.index_dump import everything
from tests.harness.store.postgres import Cluster, programs
from tests.harness.store.records import make_case, make_record

pytestmark = pytest.mark.long
CASES = [
    make_case(f"tflite/runtime-{number}", model=model, variant=variant, median_ms=1.0 + number)
    for model in ("digits", "keyword")
    for variant in ("float32", "int8")
    for number in range(6)
]


def write_forty(results: Path) -> None:
    for day in range(100, 140):
        RunStore(results).write(make_record(day, *CASES))


def new_project(folder: Path, days: range = range(40), machine: str = "laptop") -> Path:
    """A project with a record of 24 cases a day."""
    folder.mkdir()
    (folder / "harness.toml").touch()
    for day in days:
        RunStore(folder / "results").write(make_record(day, *CASES, machine=machine))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return new_project(tmp_path / "project")


def start(project: Path, *arguments: str, url: str | None = None) -> Forked:
    variables = {key: value for key, value in os.environ.items() if key != VARIABLE}
    return command(project, *arguments, variables=variables | ({VARIABLE: url} if url else {}))


def harness(project: Path, *arguments: str, url: str | None = None) -> dict[str, object]:
    """What a command with `--json` says, which must succeed."""
    code, out, errors = start(project, *arguments, "--json", url=url).communicate()
    assert code == 0, errors
    return json.loads(out)


def index_of(project: Path) -> dict[tuple[str, ...], object]:
    return everything(FolderIndex(project / "results").database)


def fresh(project: Path, elsewhere: Path) -> dict[tuple[str, ...], object]:
    """What an index holds that is made at once of the same records."""
    shutil.copytree(project / "results" / "runs", elsewhere / "results" / "runs")
    FolderIndex(elsewhere / "results").synchronise()
    return index_of(elsewhere)


def test_kills_at_any_moment_and_then_the_index_is_as_one_never_disturbed(
    project: Path, tmp_path: Path, draws: Callable[[int, int], range]
) -> None:
    harness(new_project(tmp_path / "first", range(1)), "index")  # whatever is slow the first time
    other = new_project(tmp_path / "other")
    begun = time.monotonic()
    assert len(harness(other, "index")["added"]) == 40
    usual = time.monotonic() - begun
    chance, killed, kills = random.Random(6), 0, draws(6, 20)
    while killed < len(kills):
        process = start(project, "index")
        time.sleep(chance.uniform(0.1, 0.9) * usual)
        at_work = process.poll() is None
        process.kill()
        process.wait()
        killed += at_work
        if not at_work:  # the machine is faster now: nothing is left to do
            usual /= 2
            (project / "results" / INDEX_FILE).unlink()
    assert harness(project, "index")["runs"] == 40
    assert index_of(project) == fresh(project, tmp_path / "fresh")


def test_two_that_index_at_once_beside_a_run_that_writes(project: Path, tmp_path: Path) -> None:
    writer = Forked(write_forty, project / "results")
    rounds = 0
    while writer.poll() is None or rounds < 2:
        both = [start(project, "index", "--json") for _ in range(2)]
        answers = [one.communicate() for one in both]
        assert [code for code, _, _ in answers] == [0, 0], answers
        assert [json.loads(out)["problems"] for _, out, _ in answers] == [{}, {}]
        rounds += 1
    assert writer.wait() == 0
    assert harness(project, "index")["runs"] == 80
    assert index_of(project) == fresh(project, tmp_path / "fresh")


def test_records_of_two_machines_meet_by_copying(project: Path, tmp_path: Path) -> None:
    other = new_project(tmp_path / "other", range(30, 50), machine="build")
    harness(project, "index")
    for path in RunStore(other / "results").paths():
        shutil.copy(path, project / "results" / "runs")
    assert len(harness(project, "index")["added"]) == 20
    assert harness(project, "index") | {"added": []} == harness(project, "index")
    found = index_of(project)
    assert {row["machine"] for key, row in found.items() if len(key) == 1} == {"laptop", "build"}
    assert found == fresh(project, tmp_path / "fresh")


def test_a_flipped_byte_is_named_and_the_rest_is_indexed(project: Path) -> None:
    path = RunStore(project / "results").paths()[7]
    whole = path.read_bytes()
    place = len(whole) // 2
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    code, out, errors = start(project, "index").communicate()
    assert (code, "39 runs, 39 new, 0 gone, 1 left out" in out) == (0, True)
    assert errors.count("\n") == 1
    assert errors.startswith(f"left out: {path.name} is damaged")
    path.write_bytes(whole)
    assert harness(project, "index")["problems"] == {}
    assert len(RunStore(project / "results").paths()) == harness(project, "index")["runs"]


@pytest.fixture
def server() -> Iterator[Cluster]:
    made = Cluster(programs())
    yield made
    made.remove()


def records_in(url: str) -> int:
    database = Database(url)
    try:
        return sum(len(key) == 1 for key in everything(database))
    finally:
        database.close()


@pytest.mark.needs("postgresql")
def test_a_server_that_dies_in_mid_push_and_comes_back_holds_what_the_records_hold(
    project: Path, server: Cluster
) -> None:
    for day in range(40, 240):
        RunStore(project / "results").write(make_record(day, *CASES))
    for attempt in range(10):
        url = server.new_database(f"team{attempt}")
        process = start(project, "push", "--json", url=url)
        while records_in(url) < 10 and process.poll() is None:
            time.sleep(0.02)
        server.crash()
        if process.poll() is None:
            break
        server.start()  # the push was over before: again, into another database
    else:
        pytest.fail("no push was in the middle when the server died")
    time.sleep(1.0)
    server.start()
    code, out, errors = process.communicate()
    assert code == 0, errors
    assert json.loads(out)["problems"] == {}
    assert harness(project, "push", url=url)["known"] == 240
    harness(project, "index")
    team = Database(url)
    assert everything(team) == index_of(project)
    team.close()
