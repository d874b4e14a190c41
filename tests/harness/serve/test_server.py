"""`harness serve`: loopback alone, read-only, and what it answers."""

import contextlib
import http.client
import json
import re
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.history import summaries
from harness.serve.dashboard import KEPT
from harness.serve.interface import PATHS, Interface
from harness.serve.record_source import RecordSource
from harness.serve.server import make_server
from harness.store.index.database import INDEX_FILE
from harness.store.runs import RunStore
from tests.harness.store.records import make_case, make_record


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for day in range(12):
        cases = [make_case(measured_on=day, size=1000 + 10 * (day >= 6)), make_case("tfjs/wasm", measured_on=day)]
        RunStore(tmp_path).write(make_record(day, *cases))
    return tmp_path


@pytest.fixture
def server(results: Path) -> Iterator[ThreadingHTTPServer]:
    made = make_server(Interface(RecordSource(results)), 0)
    thread = threading.Thread(target=made.serve_forever, args=[0.01], daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def ask(server: ThreadingHTTPServer, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def get(server: ThreadingHTTPServer, path: str) -> object:
    status, body = ask(server, path)
    assert status == 200, body
    return json.loads(body)


def test_it_listens_on_the_loopback_address_alone(server: ThreadingHTTPServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written(server: ThreadingHTTPServer, method: str) -> None:
    assert ask(server, "/api/runs", method)[0] == 501


def test_another_site_s_name_is_refused(server: ThreadingHTTPServer) -> None:
    assert ask(server, "/api/runs", Host="evil.example")[0] == 421
    assert ask(server, "/api/runs", Host="localhost:1")[0] == 200


def test_runs_newest_first_and_one_with_its_results(server: ThreadingHTTPServer) -> None:
    runs = get(server, "/api/runs?limit=3")
    assert [run["id"] for run in runs] == [make_record(day).id for day in (11, 10, 9)]
    latest = get(server, "/api/runs/latest?model=digits")
    assert latest["id"] == make_record(11).id
    assert [one["target"] for one in latest["results"]] == ["tfjs/wasm", "tflite/litert"]
    assert latest["results"][0]["figures"]["latency_median_ms"] == 1.0
    assert get(server, f"/api/records/{make_record(3).id}")["id"] == make_record(3).id


def test_histories_and_changes(server: ThreadingHTTPServer) -> None:
    series = get(server, "/api/history?model=digits&target=tflite/*&metric=artifact_bytes")
    assert [one["values"] for one in series] == [[1000] * 6 + [1010] * 6]
    (change,) = get(server, "/api/changes?metric=artifact_bytes")
    assert (change["from"], change["to"], change["target"]) == (1000, 1010, "tflite/litert")
    assert get(server, "/api/changes?model=nothing") == []
    assert len(get(server, "/api/page?metric=artifact_bytes")["series"]) == 2
    assert {"model": "digits", "variant": "int8", "target": "tfjs/wasm"} in get(server, "/api/cases")
    assert "latency.median_ms" in {one["name"] for one in get(server, "/api/metrics")}


def test_a_made_up_metric_leaves_nothing_in_the_index(server: ThreadingHTTPServer, results: Path) -> None:
    def everything() -> list[str]:
        with contextlib.closing(sqlite3.connect(results / INDEX_FILE)) as index:
            return list(index.iterdump())

    get(server, "/api/runs")
    before = everything()
    assert get(server, "/api/page?metric=made_up&limit=1")["series"] == []
    assert everything() == before


def test_a_run_that_ends_meanwhile_appears(
    server: ThreadingHTTPServer, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.serve.record_source.FRESH_SECONDS", 0.0)
    assert len(get(server, "/api/runs")) == 12
    RunStore(results).write(make_record(20))
    assert get(server, "/api/runs")[0]["id"] == make_record(20).id


def test_the_page_is_the_dashboard(server: ThreadingHTTPServer) -> None:
    status, body = ask(server, "/")
    assert status == 200
    assert body.lstrip()[:9].lower() == b"<!doctype"
    assert make_record(11).id.encode() in body
    assert ask(server, "/", "HEAD") == (200, b"")


def parts_of(page: bytes) -> str:
    """The address below which a page asks for its parts."""
    found = re.search(rb'data-parts="([^"]+)"', page)
    assert found
    return found[1].decode()


@pytest.mark.long
def test_the_page_opens_without_its_parts_and_asks_for_them(server: ThreadingHTTPServer) -> None:
    page = ask(server, "/")[1]
    assert re.findall(rb'id="pack:([^"]+)"', page) == [b"charts"]
    assert b"connect-src &#39;self&#39;" in page
    where = parts_of(page)
    for name in ("model/digits", "cases", "changes", "history", "run"):
        assert name in get(server, f"{where}{name}")["views"]
    cases = get(server, f"{where}case/digits")["cases"]
    assert len(cases) == 2
    assert all(case["hasHistory"] for case in cases.values())
    assert len(get(server, f"{where}history")["history"]["cases"]) == 2
    (series,) = get(server, f"{where}history/digits/tfjs/wasm/int8")["history"]["cases"].values()
    assert {len(one["values"]) for one in series if one["metric"] == "artifact_bytes"} == {12}
    assert "artifact" in get(server, f"{where}news")["news"]
    assert ask(server, f"{where}nothing")[0] == 404


def test_a_part_is_made_once(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    where = parts_of(ask(server, "/")[1])
    first = ask(server, f"{where}history")
    monkeypatch.setattr("harness.report.page.Page._view", None)
    monkeypatch.setattr("harness.history.document.page_document", None)
    assert ask(server, f"{where}history") == first
    assert parts_of(ask(server, "/")[1]) == where


@pytest.mark.long
def test_who_comes_after_a_new_run_finds_its_page_ready(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.serve.record_source.FRESH_SECONDS", 0.0)
    interface = Interface(RecordSource(results))
    interface.prepare()
    RunStore(results).write(make_record(20))
    interface.prepare()
    for slow in ("harness.report.page.Page.served_html", "harness.report.page.Page.part"):
        monkeypatch.setattr(slow, None)
    page = interface.answer("/", {}).body
    assert make_record(20).id.encode() in page
    for name in ("news", "history"):
        assert interface.answer(f"{parts_of(page)}{name}", {}).status == 200


@pytest.mark.long
def test_what_is_made_ready_in_the_background_takes_one_processor(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends is seldom the last: the next may be measuring already."""
    for day in range(12):
        RunStore(results).write(make_record(day, *(make_case(model=name) for name in ("bird", "wolf")), suffix="x"))
    started: list[int] = []
    in_processes = summaries.in_processes

    def counted(processes: int, *words: object) -> object:
        started.append(processes)
        return in_processes(processes, *words)

    monkeypatch.setattr(summaries, "in_processes", counted)
    monkeypatch.setattr(summaries, "WORTH_A_PROCESS", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    Interface(RecordSource(results)).prepare()
    assert started == [1]


@pytest.mark.long
def test_a_page_keeps_its_parts_when_a_run_is_added_and_is_told_when_it_is_too_old(
    server: ThreadingHTTPServer, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.serve.record_source.FRESH_SECONDS", 0.0)
    first = parts_of(ask(server, "/")[1])
    for day, status in ((20, 200), (21, 410)):
        RunStore(results).write(make_record(day))
        assert parts_of(ask(server, "/")[1]) != first
        assert ask(server, f"{first}run")[0] == status


@pytest.mark.long
def test_a_page_that_is_no_longer_kept_leaves_the_memory(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.serve.record_source.FRESH_SECONDS", 0.0)
    interface = Interface(RecordSource(results))
    pages = []
    for day in range(20, 20 + KEPT + 1):
        RunStore(results).write(make_record(day))
        interface.prepare()
        pages.append(weakref.ref(next(reversed(interface.dashboard._pages.values())).page))
    assert [page() is not None for page in pages] == [False] + [True] * KEPT


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/api/nothing", "/api/runs/zzz", "/api/runs/2", "/api/history?model=nothing", "/api/runs?limit=x",
     "/api/history?metric=No!", "/api/records/../../harness.toml", "/../../etc/passwd"],
)  # fmt: skip
def test_what_is_not_there_is_told_as_json(server: ThreadingHTTPServer, path: str) -> None:
    status, body = ask(server, path)
    assert status == 404
    assert json.loads(body)["error"]


def test_several_readers_at_once_get_the_same(server: ThreadingHTTPServer) -> None:
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(get(server, "/api/history"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert all(answer == answers[0] for answer in answers)


def test_the_paths_name_themselves(server: ThreadingHTTPServer) -> None:
    assert get(server, "/api") == {"paths": PATHS}


def test_a_port_that_is_taken_is_one_sentence(server: ThreadingHTTPServer, results: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be had"):
        make_server(Interface(RecordSource(results)), server.server_address[1])


def test_an_empty_folder_is_served_too(tmp_path: Path) -> None:
    interface = Interface(RecordSource(tmp_path))
    assert interface.answer("/", {}).status == 404
    assert json.loads(interface.answer("/api/runs", {}).body) == []
