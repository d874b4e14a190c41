"""A dashboard of a made-up matrix opened in real browsers: how long until it shows, and until it has answered.

    python -m tests.benchmarks.dashboard 50x12x20 [chromium] [firefox]

Times are those of the page itself (`performance.now()`): from the start of the navigation until the first view is
shown, and from a key or an address until the next frame after the page has drawn.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.report import write
from tests.benchmarks.synthetic_year import Shape, SyntheticYear
from tests.harness.report.conftest import PROGRAMS
from tests.harness.report.sample_history import sample_history

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

OPENINGS = 5

SHOWN = "document.documentElement.dataset.shown !== undefined"

GO = """(place) => new Promise((resolve) => {
    const begun = performance.now();
    const wait = () => document.documentElement.dataset.shown === `#${place}`
        ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun))) : setTimeout(wait, 1);
    location.hash = place;
    wait();
})"""
"""Milliseconds from a change of the address until the frame that shows its view."""

TYPED = """(text) => new Promise((resolve) => {
    const field = document.querySelector("#filter [name=text]");
    const begun = performance.now();
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
})"""
"""Milliseconds from a letter in the filter until the frame that follows it."""

PRESSED = """(selector) => new Promise((resolve) => {
    const begun = performance.now();
    document.querySelector(selector).click();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
})"""

MOVED = """(key) => new Promise((resolve) => {
    const begun = performance.now();
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
})"""


def make(words: str, path: Path) -> dict[str, Any]:
    """The page of the second of two days, with what changed and 100,000 points of history; how long writing it took."""
    models, variants, targets = (int(word) for word in words.split("x"))
    year = SyntheticYear(Shape(models, variants, targets, days=2))
    previous, record = year.record(0), year.record(1)
    history = sample_history(record)
    wall, cpu = time.perf_counter(), time.process_time()
    write(record, path, previous, history)
    return {
        "cases": len(record.cases),
        "written_seconds": round(time.perf_counter() - wall, 1),
        "written_cpu_seconds": round(time.process_time() - cpu, 1),
        "megabytes": round(path.stat().st_size / 1e6, 1),
    }


def launch(playwright: Playwright, name: str) -> Browser:
    """Debian's browser of that engine. Raises `LookupError` where it is not installed."""
    program = shutil.which(PROGRAMS[name])
    if program is None:
        raise LookupError(f"{PROGRAMS[name]} is not on PATH: apt install {PROGRAMS[name]}")
    if name == "chromium":
        return playwright.chromium.launch(executable_path=program)
    return playwright.firefox.launch(channel="moz-firefox", executable_path=program)


def measure(browser: Browser, path: Path) -> dict[str, Any]:
    """Milliseconds; of openings all, of everything else the median of some. Chromium tells the processor time of an
    opening, too, which other work on the machine does not lengthen."""
    openings, processor = [], []
    for _ in range(OPENINGS):
        context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
        page = context.new_page()
        tell = _processor_clock(page) if browser.browser_type.name == "chromium" else None
        page.add_init_script(
            "document.addEventListener('DOMContentLoaded', () => requestAnimationFrame(() => setTimeout(() => "
            "{ window.opened = performance.now(); })))"
        )
        page.goto(path.as_uri())
        page.wait_for_function("window.opened !== undefined && " + SHOWN)
        openings.append(round(page.evaluate("window.opened")))
        if tell:
            processor.append(tell())
        if len(openings) < OPENINGS:
            context.close()
    found: dict[str, Any] = {"opening": openings}
    if processor:
        found["opening, processor"] = processor
    return found | {name: round(value) for name, value in _inside(page).items()}


def _processor_clock(page: Page) -> Callable[[], int]:
    """Tells the milliseconds that the page's own thread has worked."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def tell() -> int:
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return round(1000 * metrics["TaskDuration"])

    return tell


def _inside(page: Page) -> dict[str, float]:
    """What an open page is asked."""
    found: dict[str, float] = {}
    page.evaluate("document.querySelector('.matrix tbody a').focus()")
    keys = ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowDown", "End", "Home"]
    found["arrow key in the matrix"] = median(page.evaluate(MOVED, key) for key in keys)
    letters = ["m", "mo", "model_0", "model_07", "model_07 v", "model_07", ""]
    found["letter in the filter of the matrix"] = median(page.evaluate(TYPED, text) for text in letters)
    found["all cases, first time"] = page.evaluate(GO, "cases")
    found["letter in the filter of the cases"] = median(page.evaluate(TYPED, text) for text in letters)
    page.evaluate(TYPED, "")
    found["sorting all cases"] = page.evaluate(PRESSED, ".view:not([hidden]) th[data-column=median_ms] button")
    model, case = page.evaluate(
        "[...document.querySelectorAll('.view:not([hidden]) tbody tr:first-child a')].map((a) => a.hash.slice(1))"
    )
    found["a model, first time"] = page.evaluate(GO, model)
    page.wait_for_function("document.querySelectorAll('.view:not([hidden]) .chart svg').length === 2")
    found["letter in the filter of a model"] = median(page.evaluate(TYPED, text) for text in ["v", "variant_03", ""])
    found["a case, first time"] = page.evaluate(GO, case)
    found["history, first time"] = page.evaluate(GO, "history")
    found["what changed, first time"] = page.evaluate(GO, "changes")
    return found


def main() -> None:
    """The command."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "dashboard.html"
        print(json.dumps(make(sys.argv[1], path)), flush=True)
        for name in sys.argv[2:] or PROGRAMS:
            browser = launch(playwright, name)
            print(name, json.dumps(measure(browser, path), indent=1), flush=True)
            browser.close()


if __name__ == "__main__":
    main()
