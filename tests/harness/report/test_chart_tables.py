"""Charts for who cannot point at a mark: each leads, by keyboard, to a table of the same figures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from harness.report.anchors import model_anchor

from .conftest import Opened
from .test_browsers import HISTORY, SHOWN

Open = Callable[..., Opened]


@pytest.mark.parametrize("place", [model_anchor("digits_cnn"), HISTORY])
def test_a_chart_is_described_by_the_way_to_its_table(open_page: Open, place: str) -> None:
    page = open_page(place).page
    found = page.evaluate(
        """() => [...document.querySelectorAll('.view:not([hidden]) .chart')]
            .map((chart) => document.getElementById(chart.getAttribute('aria-describedby'))?.textContent)"""
    )
    assert found
    assert set(found) == {"These figures as a table"}
    identifiers = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize(("kind", "table"), [("latency", "targets of"), ("trade-off", "trade-off of")])
def test_the_keyboard_goes_from_a_chart_to_its_figures_and_on_to_a_case(open_page: Open, kind: str, table: str) -> None:
    page = open_page(model_anchor("digits_cnn")).page
    way = page.locator(f"{SHOWN} .chart[data-kind={kind}] + .way button")
    way.focus()
    page.keyboard.press("Enter")
    box = page.locator(f"{SHOWN} .scroll:has([data-table^='{table}'])")
    expect(box).to_be_focused()
    box.locator("tbody a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("location.hash.startsWith('#case/digits_cnn/')")


def test_the_points_of_a_series_unfold_under_its_chart(open_page: Open) -> None:
    page = open_page(HISTORY).page
    summary = page.locator(f"{SHOWN} .series summary").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"{SHOWN} .series details tbody tr")).to_have_count(365)
