"""Chromium, Firefox, and Playwright's own build of WebKit, driven by Playwright."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from harness_targets.browser.drivers.driver import Gone, first_line


class PlaywrightDriver:
    """One browser from `launch` to the end of the process; a context of its own for each page."""

    browser: Browser
    context: BrowserContext | None = None
    page: Page
    elsewhere: re.Pattern[str]
    """All addresses but the server's."""
    intercepts = False
    """Whether each request is looked at as well. The server's policy refuses what a page asks of anybody else in every
    browser; Firefox looks twice at no cost. Chromium copies a request's body for whoever looks: seven times as long for
    37 MB of results (`tests/benchmarks/page_transfer.py`)."""

    ends_with_a_tab = False
    """Whether a tab that crashes takes the browser with it."""

    def __init__(self) -> None:
        self.foreign: list[str] = []
        self.only_context: list[BrowserContext] = []
        """Where somebody else started the browser: what it had then, which stays."""
        self.crashed = False

    def launch(self, request: Mapping[str, Any]) -> None:
        """`engine` (chromium, firefox or webkit), `executable`, `flags`, `preferences`; or, of a browser that somebody
        else started, its DevTools `address`."""
        # Never closed by itself: ending this process and the browser is the engine's, and it must work without us too.
        playwright = sync_playwright().start()
        if request["address"]:
            try:
                self.browser = playwright.chromium.connect_over_cdp(request["address"], timeout=0)
            except PlaywrightError as error:
                raise Gone(f"no browser answers at {request['address']}; start it with remote debugging.") from error
            self.only_context = self.browser.contexts
            return
        common = {"executable_path": request["executable"], "headless": True, "args": request["flags"], "timeout": 0}
        try:
            self.intercepts = request["engine"] != "chromium"
            self.ends_with_a_tab = request["engine"] == "firefox"
            if request["engine"] == "firefox":  # an unpatched one, as users have it
                self.browser = playwright.firefox.launch(
                    channel="moz-firefox", firefox_user_prefs=request["preferences"], **common
                )
            elif request["engine"] == "webkit":
                self.browser = playwright.webkit.launch(**common)
            else:
                self.browser = playwright.chromium.launch(**common)
        except PlaywrightError as error:
            raise Gone(f"the browser {request['executable']} did not start; its log says why.") from error

    def show(self, address: str, origin: str) -> None:
        self.foreign, self.crashed = [], False
        with self._alive("open"):
            self.context = self._context()
            # A pattern, which Playwright's driver matches by itself. For a function it would send us every request with
            # its body, the posted results among them, and our side of its pipe joins pieces in quadratic time.
            self.elsewhere = re.compile(rf"^(?!{re.escape(origin)}/)")
            if self.intercepts:
                self.context.route(self.elsewhere, self._refuse)
            self.page = self.context.new_page()
            self.page.on("crash", self._mark_crashed)
            self.page.on("console", lambda message: print(f"console {message.type}: {message.text}", flush=True))
            self.page.on("pageerror", lambda error: print(f"page error: {error}", flush=True))
            self.page.goto(address, wait_until="load", timeout=0)
            self.page.wait_for_function("() => globalThis.harness", timeout=0)

    def verdict(self, page: str, files: Mapping[str, Path]) -> dict[str, Any]:
        """What the page at the address `page` sets as `verdict`. `files` stand at that and other addresses; all else is
        refused. The page ends with it. Raises `Gone`."""

        def answer(route: Route) -> None:
            path = files.get(route.request.url)
            if path is None:
                route.abort()
                return
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            headers = {"access-control-allow-origin": "*", "content-type": kind}
            route.fulfill(body=path.read_bytes(), headers=headers)

        self.crashed = False
        with self._alive("verdict"):
            context = self.browser.new_context()
            context.route(re.compile(r"^https?:"), answer)
            shown = context.new_page()
            shown.on("crash", self._mark_crashed)
            shown.goto(page, wait_until="load", timeout=0)
            found: dict[str, Any] = shown.wait_for_function("() => globalThis.verdict", timeout=0).json_value()
            context.close()
        return found

    def _context(self) -> BrowserContext:
        """A new context, or that of a phone's browser, which has but one."""
        try:
            return self.browser.new_context()
        except PlaywrightError:
            if not self.only_context:
                raise
            return self.only_context[0]

    def ask(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._alive(operation):
            answer: dict[str, Any] = self.page.evaluate(
                "([operation, request]) => globalThis.harness[operation](request)", [operation, request]
            )
        return answer

    def close(self) -> None:
        context, self.context = self.context, None
        if context is None:
            return
        if self.crashed:
            raise Gone("the browser lost a page and is not used again.")
        with self._alive("close"):
            if context in self.only_context:  # which has pages of its own, and the next one of ours
                self.page.close()
            else:
                context.close()

    def renderer(self) -> str:
        return ""

    @contextmanager
    def _alive(self, operation: str) -> Iterator[None]:
        """What Playwright raises inside, or a bare `Exception` where its own driver died, is `Gone`."""
        try:
            yield
        except Exception as error:
            if isinstance(error, PlaywrightError) or type(error) is Exception:
                raise self._gone(operation, error) from error
            raise

    def _gone(self, operation: str, error: Exception) -> Gone:
        """What a page says that was killed differs by browser and by moment: whether the browser still answers tells
        what died. Playwright has Firefox end with any of its tabs; only a page that saw its end first tells them
        apart."""
        said = first_line(error)
        if self.crashed or "context was destroyed" in said:
            what = "the tab crashed"
        elif self._browser_answers():
            what = "the page did not load" if operation == "open" else "the tab crashed"
        else:
            what = "the tab or the browser died" if self.ends_with_a_tab else "the browser died"
        return Gone(f"{what} during '{operation}' ({said}).")

    def _browser_answers(self) -> bool:
        """A phone's browser has no second context: whether it is connected is all that is known."""
        try:
            self.browser.new_context().close()
        except PlaywrightError:
            return bool(self.only_context) and self.browser.is_connected()
        except Exception:  # the driver died, for whose end Playwright has no error of its own
            return False
        return True

    def _refuse(self, route: Route) -> None:
        self.foreign.append(route.request.url)
        route.abort()

    def _mark_crashed(self, _: Page) -> None:
        self.crashed = True
