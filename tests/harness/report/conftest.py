"""The page of a made-up record with a previous run and 100,000 points of history, and real browsers to open it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.report import write
from harness.report.packing import unpack
from harness.store.record import RunRecord

from .sample_history import sample_history
from .sample_record import previous_of, sample_record

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = {"chromium": "chromium", "firefox": "firefox-esr"}
"""The engine, and the program of Debian that has it."""
IN_A_SECOND_BROWSER = pytest.mark.sweep(36, series="the page in Firefox")
"""What is seen in Chromium is seen again, at four times the cost: opening a page takes Firefox 0.8 s of processor."""
CHROMIUM = pytest.param("chromium", marks=pytest.mark.needs("chromium"))
ENGINES = [
    CHROMIUM,
    pytest.param("firefox", marks=[pytest.mark.needs("firefox"), IN_A_SECOND_BROWSER]),
]


@dataclass
class Opened:
    """A page, what it complained of, and what it asked the network for."""

    page: Page
    complaints: list[str]
    requests: list[str]


def packs(path: Path) -> dict[str, Any]:
    """What each pack of a page holds, by its name."""
    found = re.findall(
        r'<script type="text/plain" id="pack:([^"]+)">([^<]*)</script>', path.read_text(encoding="utf-8")
    )
    return {name: json.loads(unpack(content)) for name, content in found}


def views(path: Path) -> dict[str, str]:
    """The markup of the views that are kept as such, by the name of their place."""
    return {name: view for pack in packs(path).values() for name, view in pack.get("views", {}).items()}


def case_documents(path: Path) -> dict[str, Any]:
    """What the view of each case is drawn from, by the name of its place."""
    return {name: case for pack in packs(path).values() for name, case in pack.get("cases", {}).items()}


@pytest.fixture(scope="session")
def record() -> RunRecord:
    return sample_record()


@pytest.fixture(scope="session")
def file(record: RunRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "index.html"
    write(record, path, previous_of(record), sample_history(record))
    return path


def program(engine: str) -> str | None:
    """Where the engine is: Chromium without windows where there is such a one, which opens a page in a tenth."""
    quicker = shutil.which("chromium-headless-shell") if engine == "chromium" else None
    return quicker or shutil.which(PROGRAMS[engine])


@pytest.fixture(scope="module", params=ENGINES)
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Each engine in turn."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)  # what comes at all comes soon, but on a machine that has much else to do
    path = program(request.param)
    with sync_playwright() as playwright:
        if request.param == "chromium":
            browser = playwright.chromium.launch(executable_path=path)
        else:
            browser = playwright.firefox.launch(channel="moz-firefox", executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, file: Path) -> Iterator[Callable[..., Opened]]:
    """Opens the file, or another one, from disk at a place of it, with the network off."""
    contexts = []

    def opener(place: str = "", given: Path | None = None, **options: Any) -> Opened:
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        opened = Opened(context.new_page(), [], [])
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto((given or file).as_uri() + (f"#{place}" if place else ""))
        opened.page.wait_for_function("document.documentElement.dataset.shown !== undefined")
        return opened

    yield opener
    for context in contexts:
        context.close()
