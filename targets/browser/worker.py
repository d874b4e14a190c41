"""Holds one browser, and one page in it at a time.

Runs in the engine's own environment under `harness/process/serve.py`.

No call of a driver has a time limit: the engine's, on this process, is the one that holds. Tensors go to and from the
page over loopback HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from harness.ragged import stack_samples
from harness_targets.browser.drivers.by_playwright import PlaywrightDriver
from harness_targets.browser.drivers.by_webdriver import WebDriver
from harness_targets.browser.drivers.driver import Driver, Gone
from harness_targets.browser.server import Server

Reply = tuple[dict[str, Any], dict[str, Any]]
PAGE = Path(__file__).with_name("page")


class PageProblem(Exception):
    """The page says what is wrong: `harness_kind` is its own."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.harness_kind = kind


class BrowserWorker:
    """One browser from `launch` to the end of the process; the page and server of one artifact at a time."""

    driver: Driver
    server: Server | None = None

    def __init__(self) -> None:
        self.port = 0
        self.died = False
        """The page or the browser did, at any time: what is left serves no other artifact."""

    def launch(self, header: dict[str, Any], _: dict[str, Any]) -> Reply:
        """Start the browser. Header: `engine` (chromium, firefox or webkit), `executable`, `flags`, `preferences`,
        `profile`, and `driver`, the program of its own that drives it, empty where Playwright does; or, of one that
        somebody else started, its DevTools `address`, and the `port` on which its pages reach this machine."""
        self.port = header["port"]
        self.driver = WebDriver() if header["driver"] else PlaywrightDriver()
        self.driver.launch(header)
        return {}, {}

    def open(self, header: dict[str, Any], _: dict[str, Any]) -> Reply:
        """Load the backend and an artifact in a new page; that of the artifact before is closed first.

        Header: `bundles` (folder), `runtime` (the folder with the family's `runtime.mjs`), `directory` (the
        artifact's), and `page`, for `open` of `page/session.mjs`.
        """
        request = {**header["page"], "renderer": self._renderer(header["page"]["backend"])}
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
        renderer = self._renderer(header["backend"])
        self._show("page/renderer.html", {})
        found = self._ask("renderer", {"backend": header["backend"], "renderer": renderer})
        self.close({}, {})
        return found, {}

    def verdict(self, header: dict[str, Any], _: dict[str, Any]) -> Reply:
        """What a page says of itself: the `verdict` that its script sets. Header: `page`, its address, and `files`,
        which stand at that and other addresses; nothing is fetched from anywhere."""
        if not isinstance(self.driver, PlaywrightDriver):
            raise PageProblem("unsupported", "this browser's driver puts no files in the place of other machines'.")
        self.close({}, {})
        try:
            return self.driver.verdict(header["page"], {at: Path(path) for at, path in header["files"].items()}), {}
        except Gone:
            self.died = True
            raise

    def _renderer(self, backend: str) -> str:
        """What draws, where the browser tells its pages something else; asked while none is open."""
        if backend != "webgl":
            return ""
        self.close({}, {})
        try:
            return self.driver.renderer()
        except Gone:
            self.died = True
            raise

    def _show(self, name: str, files: dict[str, Path]) -> None:
        """Open a page of its own, served with `files` beside the shared ones. Raises `Gone`."""
        self.close({}, {})
        self.server = Server({**{f"page/{file.name}": file for file in PAGE.iterdir()}, **files}, port=self.port)
        self.driver.show(self.server.url(name), self.server.origin)

    def close(self, _: dict[str, Any], __: dict[str, Any]) -> Reply:
        """End the page and its server; the browser stays. Raises `Gone` where it is not sound."""
        if self.died:
            raise Gone("the browser lost a page and is not used again.")
        server, self.server = self.server, None
        if server is not None:
            server.close()
            self.driver.close()
        return {}, {}

    def infer(self, _: dict[str, Any], tensors: dict[str, Any]) -> Reply:
        """Every sample once. Tensors in: (samples, *shape); out: likewise, with their sizes where these depend on the
        data."""
        samples = self._offer(tensors)
        answer = self._ask("infer", {"samples": samples})
        content, offset = self._page_server.take_results(), 0
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
            results |= {info["name"]: blocks[0]} if shapes is None else stack_samples(info["name"], blocks)
        return {}, results

    def time(self, header: dict[str, Any], tensors: dict[str, Any]) -> Reply:
        """Invoke on the first sample again and again, in the page. Tensor out: `samples_ns`, int64 (iterations,)."""
        self._offer(tensors)
        answer = self._ask("time", header["plan"])
        milliseconds = np.frombuffer(self._page_server.take_results(), "<f8")
        return answer, {"samples_ns": np.rint(milliseconds * 1e6).astype(np.int64)}

    def footprint(self, _: dict[str, Any], tensors: dict[str, Any]) -> Reply:
        """Tensors in: one sample."""
        self._offer(tensors)
        return self._ask("footprint", {}), {}

    def status(self, _: dict[str, Any], __: dict[str, Any]) -> Reply:
        """What the page asked of anybody but the server (all of it was refused)."""
        return {"foreign": [*self.driver.foreign, *self._ask("status", {})["foreign"]]}, {}

    def _offer(self, tensors: dict[str, Any]) -> int:
        """Lay the samples out for the page, and leave them to it; returns how many. Raises `PageProblem`."""
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
        self._page_server.offer_samples(
            [np.ascontiguousarray(tensors[info["name"]]).reshape(-1) for info in self.inputs]
        )
        tensors.clear()
        return int(counts.pop())

    @property
    def _page_server(self) -> Server:
        """The server of the page which is open."""
        if self.server is None:
            raise PageProblem("failed", "no artifact is open.")
        return self.server

    def _ask(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call the page. Raises `PageProblem` for what it reports and `Gone` where it is no longer there."""
        try:
            answer = self.driver.ask(operation, request)
        except Gone:
            self.died = True
            raise
        if "problem" in answer:
            raise PageProblem(answer["problem"]["kind"], answer["problem"]["message"])
        return answer


def handlers() -> dict[str, Callable[[dict[str, Any], dict[str, Any]], Reply]]:
    """The operations that the engine may ask for, by name."""
    holder = BrowserWorker()
    return {
        "launch": holder.launch,
        "open": holder.open,
        "renderer": holder.renderer,
        "verdict": holder.verdict,
        "close": holder.close,
        "infer": holder.infer,
        "time": holder.time,
        "footprint": holder.footprint,
        "status": holder.status,
    }
