"""The dashboard, opened from disk in the real browser with the network off."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.report import render, write
from harness.report.anchors import case_anchor, cell_anchor
from harness.store.record import RunRecord

from .sample_record import HOSTILE, MODELS, sample_record

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH: apt install chromium")


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return sample_record()


@pytest.fixture(scope="module")
def file(record: RunRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "index.html"
    write(record, path)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


def open_page(browser: Browser, file: Path, **options: Any) -> tuple[Page, list[str], list[str]]:
    """The page, what it complained of, and what it asked the network for."""
    page = browser.new_context(offline=True, **options).new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    return page, complaints, requests


def draw_all(page: Page) -> None:
    """What printing does first: every chart, whether on the screen or not."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("[...document.querySelectorAll('.chart')].every((chart) => chart.querySelector('svg'))")


def test_a_page_of_350_cases_stays_small(record: RunRecord, file: Path) -> None:
    assert len(record.cases) > 350
    assert file.stat().st_size < 6_000_000


def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?(?:https?:)?//", text)
    assert "@import" not in text


def test_hostile_text_is_escaped(file: Path) -> None:
    assert HOSTILE not in file.read_text(encoding="utf-8")


def test_names_that_differ_in_odd_letters_alone_get_places_of_their_own() -> None:
    assert cell_anchor("a b", "t/x") != cell_anchor("a_b", "t/x") != cell_anchor("a?b", "t/x")
    assert cell_anchor("a b", "t/x") != cell_anchor("a?b", "t/x")


def test_every_case_says_how_to_measure_it_again(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "harness run --model squared --variant uint8 --target tfjs/chromium-webgl --fresh" in text


@pytest.mark.parametrize(
    "sparse",
    [
        sample_record(models=(), hostile=False),
        sample_record(models=["squared"], timed=False, hostile=False, interrupted=False),
        sample_record(models=["squared"]).model_copy(update={"models": (), "commit": None}),
    ],
    ids=["no case", "nothing timed", "no summary, no commit"],
)
def test_a_sparse_record_renders(sparse: RunRecord) -> None:
    assert sparse.id in render(sparse)


def test_a_failed_write_leaves_the_old_page(record: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.html"
    path.write_text("old")

    def fail(record: RunRecord) -> str:
        raise RuntimeError

    monkeypatch.setattr("harness.report.page.render", fail)
    with pytest.raises(RuntimeError):
        write(record, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["index.html"]
    assert path.read_text() == "old"


@needs_chromium
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_and_fits(browser: Browser, file: Path, width: int, scheme: str) -> None:
    page, complaints, requests = open_page(browser, file, viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.locator(".chart svg").count() == 0 or page.locator(".chart").first.is_visible()
    draw_all(page)
    page.evaluate("document.querySelectorAll('details').forEach((element) => { element.open = true; })")
    assert page.locator(".chart svg").count() == 2 * (len(MODELS) + 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.querySelectorAll('.plot')].every((e) => e.scrollWidth <= e.clientWidth)")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert (brightness > 200) is (scheme == "light")
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("window.hostile") is None
    page.context.close()


@needs_chromium
def test_charts_wait_until_they_are_near_the_screen(browser: Browser, file: Path) -> None:
    page, _, _ = open_page(browser, file, viewport={"width": 1280, "height": 600})
    assert page.evaluate("typeof window.vegaEmbed") == "undefined"
    page.locator("#models").scroll_into_view_if_needed()
    page.wait_for_selector(".chart svg")
    assert page.locator(".chart svg").count() < page.locator(".chart").count()
    page.context.close()


@needs_chromium
def test_every_link_leads_to_a_place(browser: Browser, file: Path) -> None:
    page, _, _ = open_page(browser, file)
    missing = page.evaluate(
        """[...document.querySelectorAll('a[href]')].map((link) => link.getAttribute('href'))
        .filter((to) => !to.startsWith('#') || !document.getElementById(decodeURIComponent(to.slice(1))))"""
    )
    assert missing == []
    identifiers = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(identifiers) == len(set(identifiers))
    page.context.close()


@needs_chromium
def test_a_link_opens_its_case_even_when_it_is_filtered_away(browser: Browser, file: Path, record: RunRecord) -> None:
    page, _, _ = open_page(browser, file)
    case = next(case for case in record.cases if case.id == "keyword_dscnn/int8/tflite/tflite-runtime")
    page.fill("#filter-text", "squared webgl")
    assert page.locator("details.case:visible").count() == 3
    page.evaluate("(anchor) => { location.hash = anchor; }", case_anchor(case))
    section = page.locator(f"[id='{case_anchor(case)}']")
    section.locator(".inside").wait_for(state="visible")
    assert "9 LSB" in section.inner_text()
    page.context.close()


@needs_chromium
def test_the_theme_can_be_chosen_and_charts_follow(browser: Browser, file: Path) -> None:
    page, _, _ = open_page(browser, file, color_scheme="light")
    draw_all(page)
    colour = "getComputedStyle(document.querySelector('.plot text')).fill"
    light = page.evaluate(colour)
    page.click("#theme")
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.evaluate(colour) != light
    page.context.close()


@needs_chromium
def test_tables_and_landmarks_speak_to_a_screen_reader(browser: Browser, file: Path) -> None:
    page, _, _ = open_page(browser, file)
    assert page.locator("main").count() == page.locator("nav[aria-label]").count() == page.locator("h1").count() == 1
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator(".chart:not([role=img][aria-label])").count() == 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.context.close()
