"""Summaries of histories: what a page of all models says, made once and never of old runs."""

import contextlib
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from harness.history import summaries
from harness.history.case_history import histories
from harness.history.change_point_cache import method_digest
from harness.history.document import page_document
from harness.history.summaries import FEWEST_POINTS, MOST_RECENT, recent, refresh, states
from harness.history.summaries import _code as code_digest
from harness.store.index.database import Database, DatabaseAway
from harness.store.index.folder import FolderIndex
from harness.store.index.tables import SUMMARIES
from harness.store.labels import Label, LabelFiles
from harness.store.runs import RunStore
from tests.harness.fakes.announced_lock import AnnouncedLock
from tests.harness.store.records import make_case, make_record

METRICS = ("latency.median_ms", "artifact_bytes")
MODELS = ("bird", "digits", "wolf")


def record_of(day: int, sizes: dict[str, int]) -> Any:
    cases = [
        make_case(target, model=model, median_ms=1.0 + 0.5 * (day >= 20), measured_on=day, size=sizes[model])
        for model in MODELS
        for target in ("tflite/litert", "tfjs/wasm")
    ]
    return make_record(day, *cases)


@pytest.fixture(scope="module")
def thirty_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty days: the artifacts of `wolf` grow on the fifth and the tenth, those of `bird` shrink on the tenth; all
    get slower on the twentieth."""
    results = tmp_path_factory.mktemp("thirty")
    for day in range(30):
        sizes = {
            "bird": 1000 - 100 * (day >= 10),
            "digits": 1000,
            "wolf": 1000 + 10 * (day >= 5) + 30 * (day >= 10),
        }
        RunStore(results).write(record_of(day, sizes))
    index = FolderIndex(results)
    index.synchronise()
    index.database.close()
    return results


@pytest.fixture
def results(thirty_days: Path, tmp_path: Path) -> Path:
    return shutil.copytree(thirty_days, tmp_path / "results")


@pytest.fixture
def index(results: Path) -> Database:
    return FolderIndex(results).database


def kept(database: Database) -> dict[tuple[str, str], tuple[str, int]]:
    with database.reading() as connection:
        rows = connection.execute(select(SUMMARIES)).all()
    return {(row.model, row.metric): (row.state, row.series) for row in rows}


def test_a_page_from_summaries_is_the_page_from_results(index: Database, results: Path) -> None:
    """Only how a page is made depends on its limit; every series here has more points than a summary."""
    labels, limit = LabelFiles(results), 12 * FEWEST_POINTS
    assert kept(index) == {}
    page = page_document(index, labels, metrics=METRICS, limit=limit)
    assert set(kept(index)) == {(model, metric) for model in MODELS for metric in METRICS}
    index_of = {run["id"]: run for run in page["runs"]}
    assert len(page["series"]) == 12
    assert (page["points"], page["left_out"]) == (360, [])
    for one in page["series"]:
        (history,) = histories(index, labels, one["model"], one["variant"], one["target"], (one["metric"],))
        runs = [page["runs"][place]["id"] for place in one["runs"]]
        values = {run.id: value for run, value in zip(history.series.runs, history.series.values, strict=True)}
        assert one["values"] == pytest.approx([values[run] for run in runs])
        assert [change["id"] for change in one["changes"]] == [change.id for change in history.changes]
        for change, known in zip(one["changes"], history.changes, strict=True):
            assert page["runs"][change["after"]]["id"] == known.after.id
            assert runs[change["at"]] == known.after.id
            assert index_of[known.before.id]["started"] == known.before.started
            assert change["differences"] == [vars(difference) for difference in known.differences]


def test_what_there_is_no_room_for_is_named(index: Database, results: Path) -> None:
    page = page_document(index, LabelFiles(results), metrics=METRICS, limit=5 * FEWEST_POINTS)
    assert len(page["series"]) == 5
    assert page["left_out"] == [
        {"metric": "latency.median_ms", "model": "wolf"},
        *({"metric": "artifact_bytes", "model": model} for model in MODELS),
    ]


def test_names_choose_among_what_was_kept(index: Database, results: Path) -> None:
    page = page_document(index, LabelFiles(results), "*", "*", "tfjs/*", metrics=METRICS, limit=2 * FEWEST_POINTS)
    assert [(one["model"], one["target"]) for one in page["series"]] == [("bird", "tfjs/wasm"), ("digits", "tfjs/wasm")]


def test_a_page_has_no_runs_but_those_of_its_series(index: Database, results: Path) -> None:
    """Summaries are of all targets of a model."""
    RunStore(results).write(make_record(30, make_case("tflite/litert", model="digits", measured_on=30)))
    FolderIndex(results).synchronise()
    page = page_document(index, LabelFiles(results), "*", "*", "tfjs/*", metrics=METRICS, limit=2 * FEWEST_POINTS)
    ends = [change[end] for one in page["series"] for change in one["changes"] for end in ("before", "after")]
    assert set(ends).union(*(one["runs"] for one in page["series"])) == set(range(len(page["runs"])))
    assert make_record(30).id not in {run["id"] for run in page["runs"]}


def test_they_are_made_once_and_again_when_a_run_is_added(
    index: Database, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(index, LabelFiles(results), METRICS)
    before = kept(index)
    RunStore(results).write(make_record(30, make_case(model="wolf", measured_on=30, size=1)))
    FolderIndex(results).synchronise()
    made: list[str] = []
    rows = summaries._rows
    monkeypatch.setattr(summaries, "_rows", lambda *words: made.append(words[2]) or rows(*words))
    refresh(index, LabelFiles(results), METRICS)
    refresh(index, LabelFiles(results), METRICS)
    assert made == ["wolf"], "the run has no other model"
    after = kept(index)
    assert {key for key in after if after[key] != before[key]} == {("wolf", metric) for metric in METRICS}


def test_they_are_made_again_when_another_run_has_the_place_of_one_that_is_gone(index: Database, results: Path) -> None:
    refresh(index, LabelFiles(results), METRICS)
    newest = RunStore(results).paths()[-1]
    newest.rename(results / "elsewhere.json")
    FolderIndex(results).synchronise()
    # It gets the number and the id of the one that is gone, and there are as many runs as before.
    RunStore(results).write(record_of(29, dict.fromkeys(MODELS, 7)))
    FolderIndex(results).synchronise()
    (first, *_) = recent(index, LabelFiles(results), ("artifact_bytes",))
    assert first["change"]["to"] == 7


def test_they_are_made_again_when_an_older_run_is_another(index: Database, results: Path) -> None:
    """There are as many runs as before, and the newest is the same."""
    refresh(index, LabelFiles(results), METRICS)
    before = {key: state for key, (state, _) in kept(index).items()}
    newest, older = RunStore(results).paths()[-1:-3:-1]
    for path in (newest, older):
        path.rename(results / path.name)
    FolderIndex(results).synchronise()
    for path, record in ((older, record_of(28, dict.fromkeys(MODELS, 7))), (newest, None)):
        if record is None:
            (results / path.name).rename(path)
        else:
            RunStore(results).write(record)
        FolderIndex(results).synchronise()
    (first, second, *_) = recent(index, LabelFiles(results), ("artifact_bytes",))
    assert 7 in {one["change"]["to"] for one in (first, second)}
    assert all(kept(index)[key][0] != state for key, state in before.items() if key[1] == "artifact_bytes")


@pytest.mark.parametrize(
    "module",
    ["case_history", "change_points", "compact", "differences", "e_divisive", "metrics", "series", "summaries"],
)
def test_they_are_made_again_by_other_code(
    index: Database, results: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Path.read_bytes

    def edited(path: Path) -> bytes:
        return read(path) + (b"# edited\n" if path.name == f"{module}.py" else b"")

    monkeypatch.setattr("harness.history.summaries.method_digest", method_digest.__wrapped__)
    monkeypatch.setattr("harness.history.summaries._code", code_digest.__wrapped__)
    with index.reading() as connection:
        before = states(connection, [])
        monkeypatch.setattr(Path, "read_bytes", edited)
        after = states(connection, [])
    assert all(before[model] != after[model] for model in MODELS)


def test_labels_are_read_while_no_transaction_is_open(
    index: Database, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a team are in its database: a second connection for each reader would exhaust the pool."""
    open_ones: list[object] = []
    reading = Database.reading

    @contextlib.contextmanager
    def counted(database: Database) -> Iterator[Connection]:
        with reading(database) as connection:
            open_ones.append(connection)
            yield connection
            open_ones.remove(connection)

    monkeypatch.setattr(Database, "reading", counted)

    class Told(LabelFiles):
        def of(self, model: str | None) -> list[Label]:
            assert not open_ones
            return super().of(model)

    assert recent(index, Told(results), METRICS)


def test_two_who_ask_at_once_wait_for_the_same_work(
    index: Database, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    rows, lock = summaries._rows, AnnouncedLock(2)

    def when_both_want_it(*words: Any) -> Any:
        made.append(words[2])
        assert lock.all_want_it.wait(60)
        return rows(*words)

    monkeypatch.setattr(summaries, "_MAKING", lock)
    monkeypatch.setattr(summaries, "_rows", when_both_want_it)
    threads = [threading.Thread(target=refresh, args=(index, LabelFiles(results), METRICS)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == sorted(MODELS)


class TestWhereTheIndexCannotBeWritten:
    @pytest.fixture(autouse=True)
    def read_only(self, index: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(_: Database) -> None:
            raise DatabaseAway("The role may only read.")

        assert index.name
        monkeypatch.setattr(Database, "writing", refused)

    def test_the_newest_changes_are_told(self, index: Database, results: Path) -> None:
        found = recent(index, LabelFiles(results), METRICS)
        assert [one["metric"] for one in found] == ["latency.median_ms", *["artifact_bytes"] * 3]
        assert kept(index) == {}

    def test_a_page_is_what_it_is_elsewhere(
        self, index: Database, results: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = page_document(index, LabelFiles(results), metrics=METRICS, limit=12 * FEWEST_POINTS)
        monkeypatch.undo()
        assert page == page_document(
            FolderIndex(results).database, LabelFiles(results), metrics=METRICS, limit=12 * FEWEST_POINTS
        )

    def test_they_are_made_once_while_the_runs_are_the_same(
        self, index: Database, results: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recent(index, LabelFiles(results), METRICS)
        monkeypatch.setattr(summaries, "_rows", None)
        assert len(recent(index, LabelFiles(results), METRICS)) == MOST_RECENT
        assert page_document(index, LabelFiles(results), metrics=METRICS, limit=12 * FEWEST_POINTS)["series"]


def test_a_label_is_in_the_page(index: Database, results: Path) -> None:
    labels = LabelFiles(results)
    refresh(index, labels, METRICS)
    (history,) = histories(index, labels, "wolf", "int8", "tfjs/wasm", ("artifact_bytes",))
    change = history.changes[-1]
    labels.put(
        Label(**vars(history.series.key), run=change.after.id, started=change.after.started, direction=1,
              kind="accepted", note="a new head", created=1.0)
    )  # fmt: skip
    page = page_document(index, labels, metrics=METRICS, limit=12 * FEWEST_POINTS)
    told = [change["label"] for one in page["series"] for change in one["changes"] if change["label"]]
    assert told == [{"kind": "accepted", "note": "a new head", "created": 1.0}]


class TestRecent:
    def test_changes_of_one_run_figure_and_direction_are_one(self, index: Database, results: Path) -> None:
        found = recent(index, LabelFiles(results), METRICS)
        assert len(found) == MOST_RECENT
        assert [(one["metric"], one["change"]["worse"], one["more"]) for one in found] == [
            ("latency.median_ms", True, 5),
            ("artifact_bytes", True, 1),
            ("artifact_bytes", False, 1),
            ("artifact_bytes", True, 1),
        ]
        assert [one["model"] for one in found[1:]] == ["wolf", "bird", "wolf"]
        assert found[1]["change"]["size"] == pytest.approx(1040 / 1010 - 1)
        assert found[0]["started"] == make_record(20).started.timestamp()
        assert json.loads(json.dumps(found)) == found

    def test_noise_is_left_out(self, index: Database, results: Path) -> None:
        labels = LabelFiles(results)
        for one in histories(index, labels, "*", metrics=("latency.median_ms",)):
            for change in one.changes:
                labels.put(
                    Label(**vars(one.series.key), run=change.after.id, started=change.after.started, direction=1,
                          kind="noise", note="", created=1.0)
                )  # fmt: skip
        assert {one["metric"] for one in recent(index, labels, METRICS)} == {"artifact_bytes"}

    def test_models_can_be_chosen(self, index: Database, results: Path) -> None:
        assert {one["model"] for one in recent(index, LabelFiles(results), METRICS, ["bird"])} == {"bird"}


@pytest.mark.long
def test_several_processes_make_the_same(index: Database, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def contents() -> list[Any]:
        with index.reading() as connection:
            return connection.execute(select(SUMMARIES).order_by(SUMMARIES.c.model, SUMMARIES.c.metric)).all()

    refresh(index, LabelFiles(results), METRICS)
    alone = contents()
    with index.writing() as connection:
        connection.execute(SUMMARIES.delete())
    monkeypatch.setattr(summaries, "WORTH_A_PROCESS", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    refresh(index, LabelFiles(results), METRICS)
    assert contents() == alone
