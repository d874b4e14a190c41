"""The dashboard on a phone: lines of tables are cards, and are tables still to who hears the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Opened
from .test_browsers import SHOWN, VIEWS, go

Open = Callable[..., Opened]

PHONE = {"width": 400, "height": 850}


def test_no_table_but_the_matrix_scrolls_sideways(open_page: Open) -> None:
    page = open_page(viewport=PHONE).page
    for place in VIEWS:
        go(page, place)
        page.evaluate("document.querySelectorAll('.view:not([hidden]) details').forEach((one) => { one.open = true; })")
        wider = page.evaluate(
            """() => [...document.querySelectorAll('.view:not([hidden]) .scroll')]
                .filter((box) => !box.querySelector('.matrix') && box.scrollWidth > box.clientWidth)
                .map((box) => `${box.ariaLabel} ${box.scrollWidth}`)"""
        )
        assert wider == [], place


@pytest.mark.parametrize("place", ["cases", "model/digits_cnn", "history", "changes"])
def test_a_card_names_each_figure_and_is_a_line_of_a_table_to_a_screen_reader(open_page: Open, place: str) -> None:
    page = open_page(place, viewport=PHONE).page
    table = page.locator(f"{SHOWN} table.wide").first
    row = table.get_by_role("row").nth(1)
    assert table.get_by_role("columnheader").count() > 3
    assert row.get_by_role("rowheader").count() == 1
    titles = row.get_by_role("cell").evaluate_all("(cells) => cells.map((cell) => cell.dataset.title)")
    headings = table.locator("thead th").evaluate_all("(cells) => cells.map((cell) => cell.textContent)")
    assert set(titles) <= set(headings)
    assert len(titles) > 2


def test_cards_are_sorted_by_the_headings_that_stand_above_them(open_page: Open) -> None:
    page = open_page("cases", viewport=PHONE).page
    page.click(f"{SHOWN} th[data-column=variant] button")
    assert page.get_attribute(f"{SHOWN} th[data-column=variant]", "aria-sort") == "ascending"
    assert "dynamic" in page.locator(f"{SHOWN} tbody tr").first.inner_text()
