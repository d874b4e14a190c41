"""WebKitGTK as Linux distributions ship it, driven by its own WebDriver."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from harness_targets.browser.drivers.driver import Gone, first_line
from harness_targets.browser.drivers.end_of_process import call_at_end
from harness_targets.browser.drivers.parent_death import DIE_WITH_PARENT, PROFILE_VARIABLE
from harness_targets.browser.drivers.webdriver_protocol import WebDriverError, WebDriverSession, ready

_STARTS = 3
"""A free port may be another process's by the time that the driver asks for it."""
_PAUSE_SECONDS = 0.02
_LAST_MOMENT_SECONDS = 0.5
_GPU_PAGE = "webkit://gpu"
_ITS_RENDERER = re.compile(r"^GL_RENDERER\s+(.+)$", re.MULTILINE)
_HELPERS = ("WebKitNetworkProcess", "WebKitGPUProcess")
"""Processes that serve all pages. If one ends, its pages wait forever, and the driver reports only a page's own
process."""

# The page's own messages have no other way out: they come with the next answer. An answer goes as text, since a driver
# copies objects one property after another.
_ASK = """
const [operation, request, done] = arguments;
const said = globalThis.harnessSaid ??= (() => {
  const kept = [];
  for (const kind of ['log', 'info', 'warn', 'error']) {
    const before = console[kind];
    console[kind] = (...values) => {
      kept.push(`console ${kind}: ${values.join(' ')}`);
      before.apply(console, values);
    };
  }
  addEventListener('error', event => kept.push(`page error: ${event.message}`));
  addEventListener('unhandledrejection', event => kept.push(`page error: ${event.reason}`));
  return kept;
})();
globalThis.harness[operation](request).then(
    answer => done(JSON.stringify({answer, said: said.splice(0)})),
    error => done(JSON.stringify({error: String(error), said: said.splice(0)})));
"""
_THERE = "arguments[0](Boolean(globalThis.harness))"
_READ = "arguments[0](document.body ? document.body.innerText : '')"


class WebDriver:
    """One browser from `launch` to the end of the process; a window of its own, with a web process of its own, for each
    page. The first window stays empty: a browser ends with its last one."""

    def __init__(self) -> None:
        self.foreign: list[str] = []
        self.shown = False
        self._renderer: str | None = None
        self._watched: set[int] = set()
        self._lost = ""
        """The name of a process that the browser had and that ended."""

    def launch(self, request: Mapping[str, Any]) -> None:
        """`executable` (MiniBrowser), `flags`, the `profile` folder, and `driver`, the program that drives it."""
        port = self._listening(request["driver"], _environment(Path(request["profile"])))
        options = {
            "binary": DIE_WITH_PARENT[0],
            "args": [*DIE_WITH_PARENT[1:], request["executable"], "--automation", *request["flags"]],
        }
        direct = {"proxyType": "direct"}  # pages are on loopback, whatever proxy the user has
        try:
            self.session = WebDriverSession(port, {"proxy": direct, "webkitgtk:browserOptions": options})
            self._first = self.session.window()
        except WebDriverError as error:
            raise Gone(f"the browser {request['executable']} did not start ({error}); its log says why.") from error

    def _listening(self, program: str, environment: Mapping[str, str]) -> int:
        """Start the driver; its port."""
        for _ in range(_STARTS):
            port = _free_port()
            self._process = subprocess.Popen(
                [*DIE_WITH_PARENT, program, f"--port={port}"], env=environment, stdin=subprocess.DEVNULL
            )
            while self._process.poll() is None:
                if ready(port):
                    return port
                time.sleep(_PAUSE_SECONDS)
        raise Gone(f"{program} does not start; its log says why.")

    def show(self, address: str, origin: str) -> None:
        """The page's own policy keeps it from asking anybody but `origin`: the driver cannot."""
        self.foreign = []
        try:
            self.session.switch_to(self.session.new_window())
            self.shown = True
            self.session.navigate(address)
            # A page that is isolated gets a process of its own, and is announced before it is there.
            while not self.session.run(_THERE):
                time.sleep(_PAUSE_SECONDS)
            self._watch_helpers()
        except WebDriverError as error:
            raise self._gone("open", error) from error

    def ask(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            reply = json.loads(self.session.run(_ASK, operation, request))
        except (WebDriverError, TypeError, ValueError) as error:
            raise self._gone(operation, error) from error
        for line in reply["said"]:
            print(line, flush=True)
        if "error" in reply:
            return {"problem": {"kind": "failed", "message": reply["error"]}}
        answer: dict[str, Any] = reply["answer"]
        return answer

    def close(self) -> None:
        if not self.shown:
            return
        self.shown = False
        try:
            self.session.close_window()
            self.session.switch_to(self._first)
        except WebDriverError as error:
            raise self._gone("close", error) from error

    def renderer(self) -> str:
        """The renderer in the words of `webkit://gpu`: pages are told "Apple GPU", whatever draws."""
        if self._renderer is None:
            try:
                self.session.switch_to(self._first)
                self.session.navigate(_GPU_PAGE)
                found = _ITS_RENDERER.search(str(self.session.run(_READ)))
            except WebDriverError as error:
                raise self._gone("renderer", error) from error
            self._renderer = found.group(1).strip() if found else ""
        return self._renderer

    def _gone(self, operation: str, error: Exception) -> Gone:
        """The driver's word for it is the same for a tab and for the browser: whether that still runs tells which. A
        browser that was killed takes a moment to be gone."""
        said = first_line(error)
        if self._lost:
            return Gone(f"the browser lost its {self._lost} during '{operation}'.")
        deadline = time.monotonic() + _LAST_MOMENT_SECONDS
        while (runs := self._browser_runs()) and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
        what = "the tab crashed" if runs else "the browser died"
        return Gone(f"{what} during '{operation}' ({said}).")

    def _watch_helpers(self) -> None:
        """Have the driver end with any of the browser's helpers, so that no command waits for a page that waits."""
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    name = process.name()
                    if name in _HELPERS and process.pid not in self._watched:
                        self._watched.add(process.pid)
                        call_at_end(process.pid, functools.partial(self._end, name))

    def _end(self, lost: str) -> None:
        if self._browser_runs():  # else its helpers ended with it
            self._lost = lost
            self._process.kill()

    def _browser_runs(self) -> bool:
        try:
            return any(child.status() != psutil.STATUS_ZOMBIE for child in psutil.Process(self._process.pid).children())
        except psutil.Error:
            return False


def _environment(profile: Path) -> dict[str, str]:
    """Environment of the driver and the browser. Neither asks, starts or writes anything of the user's desktop.

    Where WebKitGTK has its sandbox on, it needs namespaces, which a container often has not; our page is on loopback
    and may ask nobody else. It is off everywhere, as `harness doctor` says.
    """
    own = {f"XDG_{kind}_HOME": str(profile / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA", "STATE")}
    return {
        **os.environ,
        **own,
        PROFILE_VARIABLE: str(profile),
        "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        "GDK_BACKEND": "x11",
        "GIO_USE_VFS": "local",
        "GSETTINGS_BACKEND": "memory",
        "NO_AT_BRIDGE": "1",
        "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
    }


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
