"""The page's server: what it gives, and to whom."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness_targets.browser.server import LARGE, Server, TooLarge


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "page.html").write_text("<!doctype html>")
    (tmp_path / "secret.txt").write_text("not served")
    with Server({"page/index.html": tmp_path / "page.html"}, largest_body=1000) as server:
        yield server


def ask(server: Server, path: str, method: str = "GET", body: bytes | None = None, **headers: str):
    connection = http.client.HTTPConnection(server.host, timeout=60)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response, response.read()


def test_what_was_named_is_served_isolated(server):
    response, content = ask(server, f"/{server.token}/page/index.html")
    assert (response.status, content) == (200, b"<!doctype html>")
    assert response.headers["Content-Type"] == "text/html"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    ["page/secret.txt", "page/../secret.txt", "page/%2e%2e/secret.txt", "../secret.txt", "//secret.txt", "", "page/"],
)
def test_nothing_else_is(server, path):
    assert ask(server, f"/{server.token}/{path}")[0].status == 404


def test_neither_without_the_token_nor_under_another_name(server):
    assert ask(server, "/page/index.html")[0].status == 404
    assert ask(server, f"/{'x' * len(server.token)}/page/index.html")[0].status == 404
    assert ask(server, f"/{server.token}/page/index.html", Host="rebound.example")[0].status == 404


def test_tensors_go_both_ways_as_they_are(server):
    server.offer_samples([b"\x00\xff", b"\x10"])
    assert ask(server, f"/{server.token}/samples")[1] == b"\x00\xff\x10"
    assert ask(server, f"/{server.token}/results", "POST", b"\x01\x02")[0].status == 204
    assert server.take_results() == b"\x01\x02"
    assert server.take_results() == b""


@pytest.mark.parametrize(("size", "kept"), [(1000, 1000), (LARGE + 1, 0)])
def test_large_samples_are_not_held_once_the_page_has_them(size, kept):
    with Server({}) as server:
        server.offer_samples([bytes(size)])
        for asked in (size, kept):
            assert len(ask(server, f"/{server.token}/samples")[1]) == asked
            await_end_of_requests()


def await_end_of_requests() -> None:
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(timeout=60)
            assert not thread.is_alive()


def test_it_is_gone_when_it_is_closed():
    server = Server({})
    server.close()
    with pytest.raises(OSError, match="refused"):
        ask(server, "/")


def test_sizes_are_bounded(server):
    with pytest.raises(TooLarge):
        server.offer_samples([bytes(1000), bytes(1)])
    assert ask(server, f"/{server.token}/results", "POST", bytes(1001))[0].status == 413
    assert ask(server, f"/{server.token}/elsewhere", "POST", b"1")[0].status == 404
    assert server.take_results() == b""


def test_it_listens_on_loopback_alone(server):
    assert server.host.startswith("127.0.0.1:")
