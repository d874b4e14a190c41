"""Records that no template was written for: names out of a nightmare, nothing to show, figures that are no numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from harness.report import write
from harness.report.anchors import case_anchor, history_anchor, model_anchor
from harness.report.history_data import HistoryData
from harness.store.record import CaseResult, Interval, Outcome, RunRecord

from .conftest import Opened
from .sample_history import METRICS, sample_history
from .sample_record import sample_record

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., Opened]

PLAIN = sample_record(models=["digits_cnn"], hostile=False, interrupted=False)
NAMES = {
    "script": "<script>window.hostile=1</script>",
    "closing": "</script><img src=x onerror=window.hostile=1>",
    "template": "{{ 7 * 7 }}${window.hostile=1}",
    "quotes": """"'`onmouseover="window.hostile=1" x='""",
    "address": "a/b?c#d&e=f%20%zz",
    "unicode": "Größe 模型 🙂 \u202eesrever",
    "long": "mobilenet_v3_large_minimalistic_" * 12,
    "prototype": "__proto__",
    "formula": "=cmd|' /C calc'!A0",
}


def renamed(name: str) -> RunRecord:
    """Every name and text of the record is this one."""
    cases = tuple(
        case.model_copy(
            update={
                "model": name,
                "variant": f"{name}{index}",
                "reason": name if index % 2 else "",
                "outcome": Outcome.FAILED if index % 2 else Outcome.PASSED,
                "fingerprint": {name: name},
                "checks": tuple(check.model_copy(update={"rule": name, "message": name}) for check in case.checks),
            }
        )
        for index, case in enumerate(PLAIN.cases[:6])
    )
    return PLAIN.model_copy(update={"cases": cases, "models": (), "command": name})


def quiet(opened: Opened) -> Page:
    """The page, which must have complained of nothing, asked nothing of others, and not be wider than the window."""
    page = opened.page
    # What the markup loads or runs has ended when an image that comes after it all has failed to load.
    page.evaluate(
        "new Promise((done) => { const last = new Image(); last.onerror = done; last.src = 'data:image/png,'; })"
    )
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("window.hostile") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return page


def shown_at(opened: Opened, place: str) -> None:
    """Go to a place of the page that is open."""
    opened.page.evaluate("(place) => { location.hash = place; }", place)
    opened.page.wait_for_function("(place) => document.documentElement.dataset.shown === `#${place}`", arg=place)


@pytest.mark.parametrize("kind", NAMES)
def test_a_name_is_shown_and_never_run(open_page: Open, tmp_path: Path, kind: str) -> None:
    name = NAMES[kind]
    record = renamed(name)
    before = record.model_copy(update={"id": "20200101T000000Z-00000000", "cases": record.cases[1:]})
    path = tmp_path / "odd.html"
    write(record, path, before, sample_history(record, points=800, runs=100))
    case = record.cases[1]
    opened = open_page(given=path)
    for place in (
        "overview",
        "cases",
        "changes",
        "history",
        "run",
        model_anchor(name),
        case_anchor(case),
        history_anchor(name, case.target, case.variant),
    ):
        shown_at(opened, place)
        page = quiet(opened)
        assert not page.locator("#notice").is_visible(), place
    assert name.split()[0] in page.locator(".view:not([hidden]) h1").inner_text()
    page.evaluate("location.hash = 'cases'")
    page.wait_for_function("document.documentElement.dataset.shown === '#cases'")
    page.locator(".view:not([hidden]) tbody a").nth(1).click()
    expect(page.locator(".view.case:visible h1")).to_be_visible()


def altered(case: CaseResult, figure: float) -> CaseResult:
    assert case.latency
    assert case.parity
    compared = tuple(
        one.model_copy(update={"max_abs": figure, "rmse": figure, "sqnr_db": figure, "cosine": figure})
        for one in case.parity.end_to_end
    )
    latency = case.latency.model_copy(
        update={"median_ms": figure, "p99_ms": figure, "median_interval": Interval(low=figure, high=figure)}
    )
    parity = case.parity.model_copy(update={"conversion": compared, "runtime": compared, "end_to_end": compared})
    return case.model_copy(update={"latency": latency, "parity": parity})


ODD_FIGURES = (float("nan"), float("inf"), float("-inf"), 0.0)


def test_figures_that_are_no_numbers_are_shown_as_they_are(open_page: Open, tmp_path: Path) -> None:
    odd = tuple(
        (altered(case, figure) if index < 2 else case).model_copy(update={"model": f"odd {figure}"})
        for figure in ODD_FIGURES
        for index, case in enumerate(PLAIN.cases[:6])
    )
    record = PLAIN.model_copy(update={"cases": odd})
    path = tmp_path / "odd.html"
    write(record, path, PLAIN)
    models = [model_anchor(f"odd {figure}") for figure in ODD_FIGURES]
    opened = open_page(given=path)
    for place in ("overview", "cases", "changes", *models, *map(case_anchor, odd[::6])):
        shown_at(opened, place)
        assert "cannot be drawn" not in quiet(opened).locator(".view:not([hidden])").inner_text()
    for place in models:
        shown_at(opened, place)
        expect(quiet(opened).locator(".view:not([hidden]) .chart[data-kind=latency] svg")).to_be_visible()


RECORDS = {
    "no case": PLAIN.model_copy(update={"cases": (), "models": ()}),
    "one case": PLAIN.model_copy(update={"cases": PLAIN.cases[:1]}),
    "only crashed cases": PLAIN.model_copy(
        update={
            "cases": tuple(
                case.model_copy(
                    update={
                        "outcome": Outcome.CRASHED,
                        "reason": "It died.",
                        "artifact": None,
                        "parity": None,
                        "latency": None,
                        "checks": (),
                    }
                )
                for case in PLAIN.cases
            )
        }
    ),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_with_next_to_nothing_in_it_opens(open_page: Open, tmp_path: Path, kind: str) -> None:
    record = RECORDS[kind]
    path = tmp_path / "little.html"
    write(record, path, RECORDS["no case"], HistoryData({"metrics": METRICS, "runs": [], "series": []}))
    places = [
        "overview",
        "changes",
        "cases",
        "history",
        "run",
        *(model_anchor(case.model) for case in record.cases[:1]),
    ]
    opened = open_page(given=path)
    for place in places:
        shown_at(opened, place)
        assert not quiet(opened).locator("#notice").is_visible()
    assert (opened.page.locator("#cases tbody tr").count() > 0) is bool(record.cases)


def test_a_damaged_page_says_so_and_stays_usable(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "damaged.html"
    write(PLAIN, path)
    text = path.read_text(encoding="utf-8")
    start = text.index('id="pack:cases">') + len('id="pack:cases">')
    path.write_text(text[:start] + "AAAA" + text[start + 4 :], encoding="utf-8")
    page = open_page("cases", path).page
    expect(page.locator("#notice")).to_contain_text("“cases” cannot be read")
    expect(page.locator("#overview")).to_be_visible()


def test_nothing_leaves_the_machine_where_the_network_is_there(open_page: Open, file: Path) -> None:
    opened = open_page(given=file)
    asked: list[str] = []
    opened.page.context.set_offline(False)
    opened.page.route("**", lambda route: (asked.append(route.request.url), route.abort())[1])
    for place in ("cases", "history", model_anchor("digits_cnn"), "changes"):
        shown_at(opened, place)
    expect(opened.page.locator(".view:not([hidden]) h1")).to_have_text("What changed")
    assert opened.page.evaluate("fetch('https://example.org/').then(() => 'answered', () => 'refused')") == "refused"
    assert asked == []
