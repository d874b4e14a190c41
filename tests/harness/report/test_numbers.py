"""Figures in words, in Python and in the page: one writes the lists and the terminal, the other the view of a case."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from harness.report import numbers
from harness.report.templating import own_file
from harness.store.record import Comparison, Interval

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHANCE = random.Random(20261121)
FIGURES = [
    *(CHANCE.choice([-1, 1]) * 10 ** CHANCE.uniform(-9, 11) for _ in range(400)),
    *(0.0, 1.0, 9.996, 0.0009996, 999.6, 59.96, 3599.7, 86_400.0, 1e-5, 1e9, 1e10, 317_008.0),
]
"""Of all sizes, and on both sides of where a digit or a unit more is needed."""
POSITIVE = [abs(value) for value in FIGURES]
WHOLE = [round(value) for value in POSITIVE]


def compared(sqnr_db: float | None, max_abs: float, *, finite: bool = True) -> Comparison:
    return Comparison(
        output="scores", finite=finite, elements=1, max_abs=max_abs, mean_abs=0.0, rmse=0.0, sqnr_db=sqnr_db,
        cosine=1.0, smallest_tolerance=0.0,
    )  # fmt: skip


COMPARISONS = [
    (),
    (compared(None, 0.0),),
    (compared(None, 1.0),),
    (compared(40.0, 1.0), compared(None, 0.0, finite=False)),
    *((compared(ratio, 1.0), compared(200.0, 1.0)) for ratio in (3.7, 21.0, 44.4, 79.9, 120.3, 159.0, 170.0)),
]
INTERVALS = [Interval(low=low, high=low * factor) for low in POSITIVE for factor in (1.0, 1.00003, 1.004, 1.2, 900.0)]
NAMES = [
    "ram_bytes",
    "gpu_allocated_bytes",
    "peak_memory_bytes",
    "outputs_crc32",
    "instructions",
    "board_ram_bytes",
    "accuracy",
]


@pytest.mark.parametrize(
    ("name", "function", "values"),
    [
        ("significant", numbers.significant, FIGURES),
        ("optional", numbers.optional, [None, *FIGURES]),
        ("whole", numbers.whole, WHOLE),
        ("milliseconds", numbers.milliseconds, FIGURES),
        ("interval", numbers.interval, INTERVALS),
        ("byteSize", numbers.byte_size, WHOLE),
        ("share", numbers.share, [None, *FIGURES]),
        ("duration", numbers.duration, [value for value in POSITIVE if value < 1e6]),
        ("errorShare", numbers.error_share, POSITIVE),
        ("errorWords", numbers.error_text, COMPARISONS),
        ("figureName", numbers.figure_name, NAMES),
    ],
)
def test_the_page_writes_a_figure_as_python_does(browser: Browser, name: str, function: Any, values: Any) -> None:
    page = browser.new_page()
    page.add_script_tag(content=str(own_file("scripts/numbers.js")))
    found = page.evaluate(f"(values) => values.map((value) => {name}(value))", [plain(value) for value in values])
    page.close()
    assert found == [function(value) for value in values]


@pytest.mark.parametrize("name", NAMES[:5])
def test_the_page_writes_a_named_figure_as_python_does(browser: Browser, name: str) -> None:
    page = browser.new_page()
    page.add_script_tag(content=str(own_file("scripts/numbers.js")))
    values = [value for value in WHOLE if value < 2**32]
    found = page.evaluate("([name, values]) => values.map((value) => namedFigure(name, value))", [name, values])
    page.close()
    assert found == [numbers.figure(name, value) for value in values]


def plain(value: Any) -> Any:
    """As JSON carries it."""
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return value.model_dump() if isinstance(value, Interval | Comparison) else value


def test_what_is_not_finite_is_no_figure() -> None:
    assert [numbers.significant(value) for value in (math.nan, math.inf)] == ["nan", "inf"]
