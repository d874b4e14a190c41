"""Holds one browser, and one page in it at a time.

Runs in the engine's own environment under `harness/process/serve.py`.

Playwright's `evaluate` has no time limit: the engine's, on this process, is the one that holds. Tensors go to and from
the page over loopback HTTP.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from harness.sizes import stacked
from harness_targets.browser.server import Server

Reply = tuple[dict[str, Any], dict[str, Any]]
PAGE = Path(__file__).with_name("page")


class PageProblem(Exception):
    """The page says what is wrong: `harness_kind` is its own."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.harness_kind = kind


class Gone(Exception):
    """The tab or the browser died."""

    harness_kind = "crashed"


class Holder:
    """One browser from `launch` to the end of the process; the context, page and server of one artifact at a time."""

    browser: Browser
    context: BrowserContext | None = None
    page: Page
    server: Server
    elsewhere: re.Pattern[str]
    """All addresses but the server's."""

    def __init__(self) -> None:
        self.foreign: list[str] = []
        self.port = 0
        self.only_context: list[BrowserContext] = []
        """Where somebody else started the browser: what it had then, which stays."""
        self.crashed = False
        self.died = False
        """The page or the browser did, at any time: what is left serves no other artifact."""

    def launch(self, header: dict[str, Any], _: dict[str, Any]) -> Reply:
        """Start the browser. Header: `engine` (chromium or firefox), `executable`, `flags`, `preferences`; or, of one
        that somebody else started, its DevTools `address`, and the `port` on which its pages reach this machine."""
        # Never closed by itself: ending this process and the browser is the engine's, and it must work without us too.
        playwright = sync_playwright().start()
        self.port = header["port"]
        if header["address"]:
            try:
                self.browser = playwright.chromium.connect_over_cdp(header["address"], timeout=0)
            except PlaywrightError as error:
                raise Gone(f"no browser answers at {header['address']}; start it with remote debugging.") from error
            self.only_context = self.browser.contexts
            return {}, {}
        common = {"executable_path": header["executable"], "headless": True, "args": header["flags"], "timeout": 0}
        try:
            if header["engine"] == "firefox":  # an unpatched one, as users have it
                self.browser = playwright.firefox.launch(
                    channel="moz-firefox", firefox_user_prefs=header["preferences"], **common
                )
            else:
                self.browser = playwright.chromium.launch(**common)
        except PlaywrightError as error:
            raise Gone(f"the browser {header['executable']} did not start; its log says why.") from error
        return {}, {}

    def open(self, header: dict[str, Any], _: dict[str, Any]) -> Reply:
        """Load the backend and an artifact in a page of a new context; that of the artifact before is closed first.

        Header: `bundles` (folder), `runtime` (the folder with the family's `runtime.mjs`), `directory` (the
        artifact's), and `page`, for `open` of `page/session.mjs`.
        """
        request = header["page"]
        bundles, directory = Path(header["bundles"]), Path(header["directory"])
        self._show(
            "page/index.html",
            {
                **{f"page/{file.name}": file for file in Path(header["runtime"]).iterdir()},
                **{f"bundle/{file.name}": file for file in bundles.iterdir()},
                **{f"artifact/{file['path']}": directory / file["path"] for file in request["files"]},
            },
        )
        self.inputs, self.outputs = request["inputs"], request["outputs"]
        return self._ask("open", request), {}

    def renderer(self, header: dict[str, Any], _: dict[str, Any]) -> Reply:
        """What a page of this browser calls its renderer (webgl) or adapter (webgpu): `renderer`. Header: `backend`."""
        self._show("page/renderer.html", {})
        found = self._ask("renderer", {"backend": header["backend"]})
        self.close({}, {})
        return found, {}

    def _show(self, name: str, files: dict[str, Path]) -> None:
        """Open a page of a new context, served with `files` beside the shared ones. Raises `Gone`."""
        self.close({}, {})
        self.foreign, self.crashed = [], False
        self.server = Server({**{f"page/{file.name}": file for file in PAGE.iterdir()}, **files}, port=self.port)
        try:
            self.context = self._context()
            # A pattern, which Playwright's driver matches by itself. For a function it would send us every request with
            # its body, the posted results among them, and our side of its pipe joins pieces in quadratic time.
            self.elsewhere = re.compile(rf"^(?!{re.escape(self.server.origin)}/)")
            self.context.route(self.elsewhere, self._refuse)
            self.page = self.context.new_page()
            self.page.on("crash", self._mark_crashed)
            self.page.on("console", lambda message: print(f"console {message.type}: {message.text}", flush=True))
            self.page.on("pageerror", lambda error: print(f"page error: {error}", flush=True))
            self.page.goto(self.server.address(name), wait_until="load", timeout=0)
            self.page.wait_for_function("() => globalThis.harness", timeout=0)
        except PlaywrightError as error:
            raise Gone(f"the browser died during 'open' ({error.message.splitlines()[0][:200]}).") from error

    def _context(self) -> BrowserContext:
        """A new context, or that of a phone's browser, which has but one."""
        try:
            return self.browser.new_context()
        except PlaywrightError:
            if not self.only_context:
                raise
            return self.only_context[0]

    def close(self, _: dict[str, Any], __: dict[str, Any]) -> Reply:
        """End the page with its context, and its server; the browser stays. Raises `Gone` where it is not sound."""
        if self.died:
            raise Gone("the browser lost a page and is not used again.")
        context, self.context = self.context, None
        if context is not None:
            self.server.close()
            try:
                if context in self.only_context:  # which has pages of its own, and the next one of ours
                    self.page.close()
                    context.unroute(self.elsewhere)
                else:
                    context.close()
            except PlaywrightError as error:
                raise Gone(f"the browser died during 'close' ({error.message.splitlines()[0][:200]}).") from error
        return {}, {}

    def infer(self, _: dict[str, Any], tensors: dict[str, Any]) -> Reply:
        """Every sample once. Tensors in: (samples, *shape); out: likewise, with their sizes where these depend on the
        data."""
        samples = self._offer(tensors)
        answer = self._ask("infer", {"samples": samples})
        content, offset = self.server.take(), 0
        results: dict[str, Any] = {}
        sizes = answer["sizes"] or [None] * len(self.outputs)
        for info, found, shapes in zip(self.outputs, answer["outputs"], sizes, strict=True):
            if found["dtype"] != info["dtype"]:
                raise PageProblem(
                    "failed", f"output '{info['name']}' came as {found['dtype']} and the artifact says {info['dtype']}."
                )
            kind = np.dtype(info["dtype"]).newbyteorder("<")
            blocks = []
            for shape in [(samples, *found["shape"])] if shapes is None else shapes:
                size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
                if offset + size > len(content):
                    raise Gone("the page sent fewer bytes than it announced.")
                blocks.append(np.frombuffer(content[offset : offset + size], kind).reshape(shape))
                offset += size
            results |= {info["name"]: blocks[0]} if shapes is None else stacked(info["name"], blocks)
        return {}, results

    def time(self, header: dict[str, Any], tensors: dict[str, Any]) -> Reply:
        """Invoke on the first sample again and again, in the page. Tensor out: `samples_ns`, int64 (iterations,)."""
        self._offer(tensors)
        answer = self._ask("time", header["plan"])
        milliseconds = np.frombuffer(self.server.take(), "<f8")
        return answer, {"samples_ns": np.rint(milliseconds * 1e6).astype(np.int64)}

    def footprint(self, _: dict[str, Any], tensors: dict[str, Any]) -> Reply:
        """Tensors in: one sample."""
        self._offer(tensors)
        return self._ask("footprint", {}), {}

    def status(self, _: dict[str, Any], __: dict[str, Any]) -> Reply:
        """What the page asked of anybody but the server (all of it was refused)."""
        return {"foreign": self.foreign}, {}

    def _offer(self, tensors: dict[str, Any]) -> int:
        """Lay the samples out for the page; returns how many. Raises `PageProblem`."""
        counts = set()
        for info in self.inputs:
            values = tensors.get(info["name"])
            if values is None or list(values.shape[1:]) != info["shape"] or str(values.dtype) != info["dtype"]:
                found = "missing" if values is None else f"{values.dtype} {list(values.shape)}"
                raise PageProblem(
                    "failed", f"input '{info['name']}' is {found}, not {info['dtype']} samples × {info['shape']}."
                )
            counts.add(len(values))
        if len(counts) != 1:
            raise PageProblem("failed", f"the inputs have different numbers of samples: {sorted(counts)}.")
        self.server.offer([np.ascontiguousarray(tensors[info["name"]]).reshape(-1) for info in self.inputs])
        return int(counts.pop())

    def _ask(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call the page. Raises `PageProblem` for what it reports and `Gone` where it is no longer there."""
        try:
            answer: dict[str, Any] = self.page.evaluate(
                "([operation, request]) => globalThis.harness[operation](request)", [operation, request]
            )
        except PlaywrightError as error:
            self.died = True
            what = "the tab crashed" if self.crashed or "crashed" in error.message.lower() else "the browser died"
            said = textwrap.shorten(error.message.splitlines()[0], 200, placeholder="…")
            raise Gone(f"{what} during '{operation}' ({said}).") from error
        if "problem" in answer:
            raise PageProblem(answer["problem"]["kind"], answer["problem"]["message"])
        return answer

    def _refuse(self, route: Route) -> None:
        self.foreign.append(route.request.url)
        route.abort()

    def _mark_crashed(self, _: Page) -> None:
        self.crashed = self.died = True


def handlers() -> dict[str, Callable[[dict[str, Any], dict[str, Any]], Reply]]:
    holder = Holder()
    return {
        "launch": holder.launch,
        "open": holder.open,
        "renderer": holder.renderer,
        "close": holder.close,
        "infer": holder.infer,
        "time": holder.time,
        "footprint": holder.footprint,
        "status": holder.status,
    }
