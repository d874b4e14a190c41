"""Milliseconds in real browsers of a dashboard of a made-up matrix: opening it, typing into its filter, moving in it.

    .venv/bin/python -m pytest tests/benchmarks/test_dashboard.py --benchmark-only -s

`HARNESS_MATRIX=50x12x20` (models, variants, targets) makes it as large as the issue has it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.dashboard import launch, make, measure
from tests.harness.report.conftest import ENGINES

MATRIX = os.environ.get("HARNESS_MATRIX", "10x6x10")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_large_matrix_in_a_browser(benchmark: Any, engine: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    path = tmp_path / "dashboard.html"
    figures = make(MATRIX, path)
    with sync_playwright() as playwright:
        browser = launch(playwright, engine)
        benchmark.pedantic(lambda: figures.update(measure(browser, path)), rounds=1)
        browser.close()
    benchmark.extra_info.update(figures)
    print(f"\n{engine}: {json.dumps(figures, indent=1)}")
