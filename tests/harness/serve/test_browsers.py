"""The served page in real browsers: its parts come when they are gone to, from its own server alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.serve.interface import Interface
from harness.serve.record_source import RecordSource
from harness.serve.server import make_server
from harness.store.runs import RunStore
from tests.harness.report.conftest import ENGINES, program
from tests.harness.store.records import make_case, make_record

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server of forty days, on the twentieth of which an artifact grew."""
    for day in range(40):
        cases = [make_case(measured_on=day, size=1000 + 10 * (day >= 20)), make_case("tfjs/wasm", measured_on=day)]
        RunStore(tmp_path).write(make_record(day, *cases))
    made = make_server(Interface(RecordSource(tmp_path)), 0)
    thread = threading.Thread(target=made.serve_forever, args=[0.01], daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_address[1]}/"
    made.shutdown()
    made.server_close()
    thread.join()


def go(page: Page, place: str) -> None:
    """To a place of the page, until its view is shown."""
    page.evaluate("(place) => { location.hash = place; }", place)
    page.wait_for_function("(place) => document.documentElement.dataset.shown === `#${place}`", arg=place)
    assert page.locator("#notice").is_hidden(), page.locator("#notice").inner_text()


@pytest.mark.parametrize("engine", ENGINES)
def test_every_view_comes_from_the_server_when_it_is_gone_to(address: str, engine: str) -> None:
    from playwright.sync_api import sync_playwright

    path = program(engine)
    complaints, requests = [], []
    with sync_playwright() as playwright:
        options = {} if engine == "chromium" else {"channel": "moz-firefox"}
        browser = getattr(playwright, engine).launch(executable_path=path, **options)
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        page.get_by_role("heading", name="Latest changes in the history").wait_for()
        assert not [url for url in requests if "/model/" in url or "/case/" in url]
        for place in ("model/digits", "case/digits/tfjs/wasm/int8", "cases", "changes", "history", "run"):
            go(page, place)
        # The history of one case, and back to that of all: each is drawn from its own figures.
        go(page, "history/digits/tflite/litert/int8")
        assert "size of the artifact" in page.locator("main").inner_text()
        go(page, "history")
        assert page.locator("#history").get_by_text("digits int8").first.is_visible()
        browser.close()
    assert complaints == []
    assert all(url.startswith(address) or url.startswith("data:") for url in requests)
