"""What is said to have died, by what the page said and whether the browser still answers."""

from types import SimpleNamespace

import pytest
from playwright.sync_api import Error as PlaywrightError

from harness_targets.browser.drivers.by_playwright import PlaywrightDriver
from harness_targets.browser.drivers.driver import Gone

CLOSED = PlaywrightError("Target page, context or browser has been closed")
DRIVER_LOST = Exception("Connection closed while reading from the driver")


class Browser:
    """One whose pages all raise; `answers` to a new context, or raises that."""

    def __init__(self, page_error, answers=True, connected=False):
        self.page_error, self.answers, self.connected = page_error, answers, connected

    def new_context(self):
        if self.answers is not True:
            raise self.answers
        return self

    def is_connected(self):
        return self.connected

    def new_page(self):
        return SimpleNamespace(on=lambda *_: None, goto=self.fail, evaluate=self.fail)

    def fail(self, *_, **__):
        raise self.page_error

    def close(self):
        pass


def driver_of(browser, **more):
    driver = PlaywrightDriver()
    driver.browser, driver.page = browser, browser.new_page()
    for name, value in more.items():
        setattr(driver, name, value)
    return driver


@pytest.mark.parametrize(
    ("browser", "more", "words"),
    [
        (Browser(CLOSED), {}, "the tab crashed"),
        (Browser(CLOSED, answers=CLOSED), {}, "the browser died"),
        (Browser(CLOSED, answers=CLOSED, connected=True), {}, "the browser died"),
        (Browser(DRIVER_LOST, answers=DRIVER_LOST), {}, "the browser died"),
        (Browser(CLOSED, answers=CLOSED), {"ends_with_a_tab": True}, "the tab or the browser died"),
        (
            Browser(PlaywrightError("Execution context was destroyed"), answers=CLOSED),
            {"ends_with_a_tab": True},
            "the tab crashed",
        ),
        (Browser(CLOSED, answers=CLOSED, connected=True), {"only_context": ["its user's"]}, "the tab crashed"),
        (Browser(CLOSED, answers=CLOSED), {"only_context": ["its user's"]}, "the browser died"),
        (Browser(CLOSED, answers=CLOSED), {"crashed": True}, "the tab crashed"),
    ],
)
def test_what_died_in_mid_call_is_told_by_what_still_answers(browser, more, words):
    with pytest.raises(Gone, match=f"^{words} during 'time' "):
        driver_of(browser, **more).ask("time", {})


def test_a_page_that_the_browser_cannot_reach_is_no_crash():
    driver = driver_of(Browser(PlaywrightError("Page.goto: net::ERR_CONNECTION_REFUSED at http://127.0.0.1:9/")))
    with pytest.raises(Gone, match=r"^the page did not load during 'open' \(Page.goto: net::ERR_CONNECTION_REFUSED"):
        driver.show("http://127.0.0.1:9/page", "http://127.0.0.1:9")


def test_a_mistake_of_our_own_is_no_crash():
    with pytest.raises(TypeError):
        driver_of(Browser(TypeError("not a string"))).ask("time", {})
