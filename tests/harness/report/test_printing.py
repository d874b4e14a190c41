"""The dashboard on paper: Chromium's PDF of a view, and the words and figures that stand in it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.report import numbers
from harness.report.anchors import case_anchor, model_anchor
from harness.store.record import RunRecord

from .conftest import CHROMIUM, Opened
from .test_browsers import HISTORY

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Playwright prints with Chromium alone.
pytestmark = [pytest.mark.needs("pdftotext"), pytest.mark.parametrize("browser", [CHROMIUM], indirect=True)]

Open = Callable[..., Opened]


def printed(page: Page, path: Path) -> list[str]:
    """The text of each sheet."""
    page.pdf(path=path, prefer_css_page_size=True)
    text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout
    return text.split("\f")[:-1]


def words(sheets: list[str]) -> str:
    """All that is printed, with one space between words."""
    return re.sub(r"\s+", " ", " ".join(sheets))


def test_the_matrix_is_printed_whole_on_white(open_page: Open, record: RunRecord, tmp_path: Path) -> None:
    page = open_page(color_scheme="dark").page
    sheets = printed(page, tmp_path / "page.pdf")
    text = words(sheets)
    for model in {case.model for case in record.cases if case.model.isidentifier()}:
        assert re.search(model.replace("_", "_ ?"), text), model
    assert text.count(" of 6") >= 9
    assert "Contains" not in text
    assert "Skip to the content" not in text
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_figures_of_a_model_and_its_charts_are_printed(open_page: Open, record: RunRecord, tmp_path: Path) -> None:
    page = open_page(model_anchor("digits_cnn")).page
    page.wait_for_function("document.querySelectorAll('.view:not([hidden]) .chart svg').length === 2")
    text = words(printed(page, tmp_path / "page.pdf"))
    for case in record.cases:
        if case.model == "digits_cnn" and case.latency:
            assert numbers.milliseconds(case.latency.median_ms) in text
            assert numbers.interval(case.latency.median_interval) in text
    assert "Median time of one inference" in text


def test_what_the_filter_hides_is_not_printed(open_page: Open, tmp_path: Path) -> None:
    text = words(printed(open_page("cases?model=squared&variant=uint8").page, tmp_path / "page.pdf"))
    assert "squared" in text
    assert "digits_cnn" not in text
    assert "float32" not in text


def test_headings_stand_on_every_sheet_of_a_long_table(open_page: Open, tmp_path: Path) -> None:
    page = open_page("cases").page
    page.wait_for_function("document.querySelectorAll('#cases tbody tr').length === 370")
    sheets = printed(page, tmp_path / "page.pdf")
    assert len(sheets) > 5
    assert all("Conversion error" in sheet for sheet in sheets if sheet.count("float32") > 2)


def test_a_case_and_a_history_print_their_evidence(open_page: Open, record: RunRecord, tmp_path: Path) -> None:
    case = next(case for case in record.cases if case.id == "keyword_dscnn/int8/tflite/tflite-runtime")
    text = words(printed(open_page(case_anchor(case)).page, tmp_path / "case.pdf"))
    assert case.artifact
    for piece in ("9 LSB", "broken", case.artifact.digest[:16], "harness run --model keyword_dscnn"):
        assert piece in text
    page = open_page(HISTORY).page
    page.locator(".series .chart svg").first.wait_for()
    text = words(printed(page, tmp_path / "history.pdf"))
    assert "+20.0 %" in text
    assert "litert 2.1.0 → 2.2.0" in text
