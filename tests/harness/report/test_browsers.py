"""The dashboard opened from disk in real browsers with the network off: it draws, fits, links, filters and saves."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from harness.report import write
from harness.report.anchors import case_anchor, history_anchor, model_anchor
from harness.report.matrix_view import matrix
from harness.store.record import Outcome, RunRecord

from .conftest import CHROMIUM, Opened, case_documents, packs, views
from .sample_history import sample_history
from .sample_record import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Open = Callable[..., Opened]

FAILED = "keyword_dscnn/int8/tflite/tflite-runtime"
HISTORY = history_anchor("hello_world", "tflite/litert-xnnpack", "float32")
VIEWS = (
    "overview",
    "changes",
    "cases",
    "history",
    "microcontrollers",
    "run",
    model_anchor("keyword_dscnn"),
    model_anchor(HOSTILE),
    "case/keyword_dscnn/tflite/tflite-runtime/int8",
    "case/digits_cnn/mcu/renode-cortex-m4/int8",
    HISTORY,
)
SHOWN = ".view:not([hidden])"


def go(page: Page, place: str) -> None:
    page.evaluate("(place) => { location.hash = place; }", place)
    page.wait_for_function("(place) => document.documentElement.dataset.shown === `#${place}`", arg=place)


def reload(page: Page) -> None:
    page.reload()
    page.wait_for_function("document.documentElement.dataset.shown !== undefined")


def drawn(page: Page) -> Locator:
    """The lines of the list of cases. All but a screenful are drawn a moment later."""
    return page.locator(f"{SHOWN} table[data-table=cases] tbody tr")


def saved(page: Page, index: int = 0) -> str:
    """What the button of the shown table at `place` saves. Playwright sees no downloads of this Firefox: so the file
    itself is looked at where it is made."""
    page.evaluate(
        """() => {
            const make = URL.createObjectURL;
            URL.createObjectURL = (file) => { window.file = file; return make.call(URL, file); };
        }"""
    )
    page.locator(f"{SHOWN} button.csv").nth(index).click()
    text: str = page.evaluate("window.file.text()")
    return text


@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1280, "light"), (2560, "light")])
def test_every_view_draws_and_fits(open_page: Open, width: int, scheme: str) -> None:
    opened = open_page(viewport={"width": width, "height": 900})
    page = opened.page
    while page.get_attribute("html", "data-theme") != scheme:
        page.click("#theme")
    for place in VIEWS:
        go(page, place)
        page.evaluate("document.querySelectorAll('.view:not([hidden]) details').forEach((one) => { one.open = true; })")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.wait_for_function(
            "[...document.querySelectorAll('.view:not([hidden]) .chart')].every((one) => one.querySelector('svg'))"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
        assert page.evaluate("[...document.querySelectorAll('.plot')].every((e) => e.scrollWidth <= e.clientWidth)")
        assert "cannot be drawn" not in page.locator(SHOWN).inner_text()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert (brightness > 200) is (scheme == "light")
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("window.hostile") is None


def test_the_page_opens_without_the_history_which_is_read_when_it_is_gone_to(open_page: Open) -> None:
    """How fast it opens: tests/benchmarks/test_dashboard.py."""
    page = open_page().page
    assert page.evaluate("typeof window.vegaEmbed") == "undefined"
    assert page.locator(".view").count() == 1
    go(page, "history")
    assert "thinned to 100,010 points" in page.locator("#history-thinned").inner_text()


def test_every_link_leads_to_a_view(open_page: Open, record: RunRecord, file: Path) -> None:
    page = open_page().page
    places = [*VIEWS, *(case_anchor(case) for case in record.cases[::40])]
    for place in places:
        go(page, place)
    targets = page.evaluate(
        "[...new Set([...document.querySelectorAll('main a[href], nav a[href]')].map((a) => a.hash))]"
    )
    assert len(targets) > 400
    known = {"overview", *packs(file)["history"]["history"]["cases"], *views(file), *case_documents(file)}
    assert {target[1:].split("?")[0] for target in targets} - known == set()
    identifiers = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(identifiers) == len(set(identifiers))


def test_from_the_matrix_to_the_history_and_back(open_page: Open) -> None:
    page = open_page().page
    page.click(".matrix td.failed a[title='keyword_dscnn on tflite/tflite-runtime']")
    expect(page.locator(f"{SHOWN} h1")).to_have_text("keyword_dscnn")
    expect(page.locator(f"{SHOWN} table[data-table^=targets] tbody tr:visible")).to_have_count(6)
    page.click(f"{SHOWN} table[data-table^=targets] tr:has-text('Failed') th a")
    expect(page.locator(SHOWN)).to_contain_text("9 LSB")
    page.wait_for_function("() => document.activeElement.tagName === 'H1'")
    page.click("text=History of these figures")
    expect(page.locator(f"{SHOWN} .series")).to_have_count(1)
    for place in ("case", "model", "overview"):
        page.evaluate("history.back()")
        page.wait_for_function("(area) => document.querySelector('.view:not([hidden])').id.startsWith(area)", arg=place)


def test_a_bookmark_is_restored_with_its_filter(open_page: Open) -> None:
    page = open_page("cases?variant=int8&outcome=not+passed").page
    before = drawn(page).count()
    assert 0 < before < 50
    reload(page)
    expect(drawn(page)).to_have_count(before)
    assert page.input_value("#filter [name=variant]") == "int8"
    page.click(f"{SHOWN} tbody tr:visible a >> nth=1")
    expect(page.locator(".view.case:visible")).to_have_count(1)
    reload(page)
    expect(page.locator(".view.case:visible")).to_have_count(1)


def test_an_unknown_place_shows_the_overview_and_says_so(open_page: Open) -> None:
    for place in ("model/nobody", "filter", "%E0%A4%A", "view:cases"):
        page = open_page(place).page
        assert page.locator("#overview").is_visible()
        assert "This run has no" in page.locator("#notice").inner_text()


def test_the_filter_works_by_keyboard_and_stands_in_the_address(open_page: Open, record: RunRecord) -> None:
    page = open_page("cases").page
    page.focus("#filter [name=text]")
    page.keyboard.type("squared webgl")
    expect(drawn(page)).to_have_count(3)
    assert "text=squared+webgl" in page.evaluate("location.hash")
    assert page.locator("#filter output").inner_text() == f"3 of {len(record.cases)} shown"
    page.keyboard.press("Tab")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "outcome"
    page.keyboard.press("ArrowDown")
    page.wait_for_function("location.hash.includes('outcome')")
    page.click("#filter [type=reset]")
    page.wait_for_function("location.hash === '#cases'")
    expect(drawn(page)).to_have_count(len(record.cases))


def test_the_matrix_follows_the_filter(open_page: Open, record: RunRecord) -> None:
    page = open_page().page
    table = matrix(record)
    words = page.evaluate("[...document.querySelectorAll('.matrix .cell .word')].map((one) => one.textContent)")
    labels = {outcome.value: outcome.value.capitalize() for outcome in Outcome}
    assert words == [labels[cell.outcome.value] for row in table.rows for cell in row.cells if cell]
    page.select_option("#filter [name=target]", "tflite/tflite-runtime")
    page.select_option("#filter [name=variant]", "int8")
    expect(page.locator(".matrix .cell:visible")).to_have_count(9)
    expect(page.locator(".matrix th.family:visible")).to_have_count(1)
    cell = page.locator(".matrix tr:has-text('keyword_dscnn') .cell:visible")
    assert cell.inner_text().split() == ["✗", "Failed", "1", "of", "1"]
    page.select_option("#filter [name=outcome]", "unavailable")
    expect(page.locator(".matrix .cell:visible")).to_have_count(0)


def test_the_csv_holds_what_is_on_the_screen(open_page: Open, record: RunRecord) -> None:
    page = open_page("cases?variant=int8").page
    page.click(f"{SHOWN} th[data-column=median_ms] button")
    found = list(csv.DictReader(io.StringIO(saved(page))))
    expected = {case.id: case for case in record.cases if case.variant == "int8"}
    assert {f"{row['model']}/{row['variant']}/{row['target']}" for row in found} == set(expected)
    for row in found:
        case = expected[f"{row['model']}/{row['variant']}/{row['target']}"]
        assert row["outcome"] == case.outcome.value
        assert row["reason"] == re.sub(r"\s+", " ", case.reason)
        if case.latency:
            assert float(row["median_ms"]) == case.latency.median_ms
            assert float(row["median_high_ms"]) == case.latency.median_interval.high
        else:
            assert row["median_ms"] == row["median_low_ms"] == ""
    medians = [float(row["median_ms"]) for row in found if row["median_ms"]]
    assert medians == sorted(medians)
    assert [row["median_ms"] for row in found[len(medians) :]] == [""] * (len(found) - len(medians))


@pytest.mark.parametrize("browser", [CHROMIUM], indirect=True)
def test_the_csv_is_downloaded_under_a_name_that_says_what_it_is(open_page: Open) -> None:
    """In Chromium alone: Playwright sees no downloads of this Firefox."""
    page = open_page("cases").page
    with page.expect_download() as download:
        page.click(f"{SHOWN} button.csv")
    assert re.fullmatch(r"cases-[\w-]+\.csv", download.value.suggested_filename)


def test_cells_that_a_spreadsheet_would_run_are_quoted(open_page: Open, record: RunRecord, tmp_path: Path) -> None:
    case = record.cases[0].model_copy(update={"outcome": Outcome.FAILED, "reason": '=HYPERLINK("x")'})
    write(record.model_copy(update={"cases": (case,)}), tmp_path / "one.html")
    page = open_page("cases", tmp_path / "one.html").page
    assert '"\'=HYPERLINK(""x"")"' in saved(page)


def test_a_series_shows_its_changes_and_its_figures(open_page: Open) -> None:
    page = open_page(HISTORY).page
    panel = page.locator(f"{SHOWN} .series").first
    panel.locator(".chart svg").wait_for()
    text = panel.inner_text()
    for words in ("▲ worse", "+20.0 %", "litert 2.1.0 → 2.2.0", "thinned from 1,460 to 365 points", "between runs"):
        assert words in text
    panel.locator("summary").click()
    panel.locator("details tbody tr").first.wait_for()
    assert panel.locator("details tbody tr").count() == 365


def test_an_exact_figure_moves_in_steps_between_round_sizes(open_page: Open, record: RunRecord) -> None:
    history = sample_history(record, points=40_000)
    changed = next(one for one in history.series if one["metric"] == "artifact_bytes" and one["changes"])
    page = open_page(history_anchor(changed["model"], changed["target"], changed["variant"])).page
    panel = page.locator(f"{SHOWN} .series:has-text('Size of the artifact')").first
    line = panel.locator(".mark-line path")
    line.wait_for(state="attached")
    corners = [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", line.get_attribute("d") or "")]
    assert len({y for _, y in corners}) == 2
    assert all(before[0] == after[0] or before[1] == after[1] for before, after in pairwise(corners))
    labels = [text for text in panel.locator(".role-axis-label text").all_text_contents() if "B" in text]
    assert len(labels) == len(set(labels)) >= 2
    assert all(re.fullmatch(r"\d{1,3}(\.\d{1,2})? (KiB|B|MiB)", label) for label in labels)


def test_the_lists_of_the_history_follow_the_filter(open_page: Open) -> None:
    page = open_page("history").page
    everything = page.locator("[data-table=series] tbody tr").count()
    page.select_option("#filter [name=target]", "tfjs/chromium-wasm")
    expect(page.locator("[data-table=series] tbody tr")).not_to_have_count(everything)
    assert page.locator("[data-table=series] tbody tr").count() > 0
    assert all("tfjs/chromium-wasm" in row for row in page.locator("[data-table=changes] tbody tr").all_inner_texts())
    assert re.fullmatch(r"\d+ of 274 shown", page.locator("#filter output").inner_text())
    page.fill("#filter [name=text]", "nothing of this name")
    expect(page.locator("#history")).to_contain_text("No figure changed.")


def test_a_mark_in_a_chart_leads_to_its_case(open_page: Open) -> None:
    page = open_page(model_anchor("digits_cnn"), viewport={"width": 1280, "height": 2000}).page
    mark = page.locator(f"{SHOWN} .chart[data-kind=latency] .mark-symbol path").first
    mark.wait_for()
    mark.click()
    page.wait_for_function("location.hash.startsWith('#case/digits_cnn/')")


def test_what_changed(open_page: Open) -> None:
    page = open_page("changes").page
    text = page.locator(SHOWN).inner_text()
    assert "▲ worse" in text
    assert "ended as before" not in text
    assert page.locator("[data-table='changed outcomes'] tbody tr").count() == 1
    page.click("text=1 new case, 1 gone")
    others = page.locator("[data-table='new and gone cases'] tbody tr")
    expect(others).to_have_count(2)
    assert [row.split()[1] for row in others.all_inner_texts()] == ["new", "gone"]
    assert page.locator("[data-table='changed latency'] tbody tr:has-text('slower')").count() > 20
    page.click("#changes-latency ~ .list button:has-text('Show')")
    expect(page.locator("[data-table='changed latency'] tbody tr:has-text('not judged')").first).to_be_visible()
    assert "converter: tensorflow" in text


def test_the_theme_can_be_chosen_and_charts_follow(open_page: Open) -> None:
    page = open_page(model_anchor("digits_cnn"), color_scheme="light").page
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.locator(".plot text").first.wait_for()
    colour = "getComputedStyle(document.querySelector('.plot text')).fill"
    light = page.evaluate(colour)
    page.click("#theme")
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.evaluate(colour) != light


def test_tables_and_landmarks_speak_to_a_screen_reader(open_page: Open) -> None:
    page = open_page().page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    assert page.locator("#overview").is_visible()
    for place in VIEWS:
        go(page, place)
        assert page.locator("main").count() == page.locator(".bar").count() == page.locator("h1:visible").count() == 1
        assert page.locator("nav:not([aria-label])").count() == page.locator("th:not([scope])").count() == 0
        assert page.locator(".chart:not([role=img][aria-label])").count() == 0
        assert page.locator(f"{SHOWN} [tabindex='0']:not(a, [role=region][aria-label])").count() == 0
        levels = page.evaluate(
            "[...document.querySelectorAll('.view:not([hidden]) :is(h1, h2, h3)')].map((h) => Number(h.tagName[1]))"
        )
        assert all(after - before <= 1 for before, after in zip([0, *levels], levels, strict=False)), place
    assert page.locator(".bar [aria-current=page]").count() == 1
