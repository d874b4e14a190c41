"""What follows the filter and the keys in real browsers: charts, long lists, the matrix under the arrow keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from harness.report import write
from harness.report.anchors import model_anchor
from harness.store.record import Interval, Outcome, RunRecord

from .conftest import Opened
from .sample_record import sample_record
from .test_browsers import SHOWN, saved

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Open = Callable[..., Opened]

MODEL = "digits_cnn"


def marks(page: Page, kind: str) -> Locator:
    return page.locator(f"{SHOWN} .chart[data-kind={kind}] .mark-symbol path")


def timed(record: RunRecord, **names: str) -> int:
    """Cases of the model that were timed and have these names."""
    return sum(
        bool(case.model == MODEL and case.latency and all(getattr(case, key) == value for key, value in names.items()))
        for case in record.cases
    )


def visible(page: Page, table: str) -> Locator:
    return page.locator(f"{SHOWN} table[data-table^='{table}'] tbody tr:visible")


def test_charts_show_what_the_filter_keeps(open_page: Open, record: RunRecord) -> None:
    page = open_page(model_anchor(MODEL)).page
    expect(marks(page, "latency")).to_have_count(timed(record))
    expect(marks(page, "trade-off")).to_have_count(visible(page, "trade-off").count())
    page.select_option("#filter [name=variant]", "int8")
    expect(marks(page, "latency")).to_have_count(timed(record, variant="int8"))
    expect(marks(page, "trade-off")).to_have_count(visible(page, "trade-off").count())
    assert page.locator(f"{SHOWN} .keys li:visible").all_text_contents() == [" int8"]
    page.select_option("#filter [name=target]", "tflite/litert-xnnpack")
    expect(marks(page, "latency")).to_have_count(1)
    assert visible(page, "targets of").count() == 1


def test_a_filter_that_keeps_nothing_says_so_in_the_charts(open_page: Open, record: RunRecord) -> None:
    page = open_page(f"{model_anchor(MODEL)}?text=nothing+of+this+name").page
    for kind in ("latency", "trade-off"):
        expect(page.locator(f"{SHOWN} .chart[data-kind={kind}]")).to_contain_text("No case that the filter keeps")
    page.click("#filter [type=reset]")
    expect(marks(page, "latency")).to_have_count(timed(record))


def test_a_bookmark_with_a_filter_draws_its_charts_so(open_page: Open, record: RunRecord) -> None:
    page = open_page(f"{model_anchor(MODEL)}?variant=float16").page
    expect(marks(page, "latency")).to_have_count(timed(record, variant="float16"))


def test_the_csv_beside_a_chart_holds_the_marks_of_the_chart(open_page: Open) -> None:
    page = open_page(f"{model_anchor(MODEL)}?variant=float32").page
    marks(page, "trade-off").first.wait_for()
    drawn = page.evaluate(
        """() => [...document.querySelectorAll('.view:not([hidden]) .chart[data-kind=trade-off] .mark-symbol path')]
            .map((mark) => mark.__data__.datum).map((row) => [row.Target, row.Variant, row.median])"""
    )
    page.locator(f"{SHOWN} table[data-table^='trade-off']").wait_for()
    rows = list(csv.DictReader(io.StringIO(saved(page, 1))))
    assert sorted((row["target"], row["variant"], float(row["median_ms"])) for row in rows) == sorted(
        (target, variant, pytest.approx(median)) for target, variant, median in drawn
    )


@pytest.mark.parametrize("factor", [1.0, 7.0, 30.0, 3000.0])
def test_the_axis_of_times_can_be_read(open_page: Open, record: RunRecord, tmp_path: Path, factor: float) -> None:
    """Whether the slowest target is as fast as the fastest, or thousands of times slower."""
    cases = [case for case in record.cases if case.model == MODEL and case.latency][:2]
    assert cases[0].latency
    slow = cases[0].latency.model_copy(
        update={
            "median_ms": cases[0].latency.median_ms * factor,
            "median_interval": Interval(
                low=cases[0].latency.median_interval.low * factor, high=cases[0].latency.median_interval.high * factor
            ),
        }
    )
    cases[1] = cases[1].model_copy(update={"latency": slow})
    write(record.model_copy(update={"cases": tuple(cases)}), tmp_path / "two.html")
    page = open_page(model_anchor(MODEL), tmp_path / "two.html").page
    labels = page.locator(f"{SHOWN} .chart[data-kind=latency] .role-axis-label text")
    labels.first.wait_for()
    texts = [text for text in labels.all_text_contents() if text]
    assert 3 <= len(set(texts)) <= 8


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 1,000 cases; those of every third variant crashed, each in its own way."""
    case = sample_record(models=["squared"], hostile=False).cases[0]
    crashed = {"outcome": Outcome.CRASHED, "latency": None}
    cases = tuple(
        case.model_copy(
            update={"variant": f"v{index:04}", "seconds": float(index)}
            | ({**crashed, "reason": f"Signal {index}."} if index % 3 == 0 else {"reason": ""})
        )
        for index in range(1000)
    )
    path = tmp_path_factory.mktemp("long") / "long.html"
    write(sample_record(models=["squared"], hostile=False).model_copy(update={"cases": cases}), path)
    return path


def test_a_long_list_draws_a_part_and_says_so(open_page: Open, long: Path) -> None:
    page = open_page("cases", long).page
    lines = page.locator("#cases tbody tr")
    expect(lines).to_have_count(400)
    expect(page.locator("#cases .tools")).to_contain_text("The first 400 of 1,000 lines; sorting and CSV are of all.")
    page.click("text=Show 400 more")
    expect(lines).to_have_count(800)
    page.click("text=Show 200 more")
    expect(lines).to_have_count(1000)
    expect(page.locator("#cases .tools")).not_to_contain_text("The first")
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 801


def test_sorting_filter_and_csv_of_a_long_list_are_of_all_its_lines(open_page: Open, long: Path) -> None:
    page = open_page("cases", long).page
    page.click("#cases th[data-column=variant] button")
    page.click("#cases th[data-column=variant] button")
    expect(page.locator("#cases tbody tr").first).to_contain_text("v0999")
    assert page.get_attribute("#cases th[data-column=variant]", "aria-sort") == "descending"
    rows = list(csv.DictReader(io.StringIO(saved(page))))
    assert [row["variant"] for row in rows] == [f"v{place:04}" for place in reversed(range(1000))]
    page.fill("#filter [name=text]", "v09")
    expect(page.locator("#cases tbody tr")).to_have_count(100)
    expect(page.locator("#cases tbody tr").first).to_contain_text("v0999")
    assert page.locator("#filter output").inner_text() == "100 of 1,000 shown"
    assert len(saved(page).splitlines()) == 101


def test_many_endings_are_cut_and_can_be_shown(open_page: Open, long: Path) -> None:
    page = open_page(given=long).page
    lines = page.locator(".troubles li")
    expect(lines).to_have_count(50)
    expect(page.locator("#not-passed .tools")).to_contain_text("The first 50 of 334.")
    page.fill("#filter [name=text]", "v0999")
    expect(lines).to_have_count(1)
    page.fill("#filter [name=text]", "")
    page.click("text=Show all 334 endings")
    expect(lines).to_have_count(334)


def test_the_arrow_keys_move_in_the_matrix(open_page: Open) -> None:
    page = open_page().page
    stops = page.locator(".matrix tbody a[tabindex='0']")
    expect(stops).to_have_count(1)
    stops.focus()
    where = """() => { const cell = document.activeElement.closest('td, th');
        return [cell.parentElement.rowIndex - 2, cell.cellIndex]; }"""
    assert page.evaluate(where) == [0, 0]
    moves = [("ArrowRight", [0, 1]), ("ArrowDown", [1, 1]), ("Home", [1, 0]), ("ArrowUp", [0, 0]), ("ArrowUp", [0, 0])]
    for key, place in moves:
        page.keyboard.press(key)
        assert page.evaluate(where) == place
        expect(stops).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.matrix')") is None
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(where) == [1, 1]
    page.select_option("#filter [name=model]", "squared")
    expect(stops).to_have_count(1)
    assert stops.is_visible()


def test_a_quick_change_of_mind_shows_the_last_place(open_page: Open) -> None:
    page = open_page().page
    page.evaluate("""async () => { for (const place of ["history", "cases", "run"]) {
        const gone = new Promise((done) => addEventListener("hashchange", done, { once: true }));
        location.hash = place;
        await gone;
    } }""")
    page.wait_for_function("document.documentElement.dataset.shown === '#run'")
    expect(page.locator(".view")).to_have_count(4)  # what nobody waits for any more has come too
    assert page.locator(".view:visible").count() == 1
    assert page.locator("#run").is_visible()
