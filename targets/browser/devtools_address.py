"""A browser that somebody else started, by its DevTools address: on this machine, or at the end of a tunnel.

`adb forward tcp:9222 localabstract:chrome_devtools_remote` brings Chrome on a phone to the address, and `adb reverse
tcp:PORT tcp:PORT` brings its page back to this machine; `ssh -L` and `-R` do the same for another computer. Two pages
that are open at once, as `harness ab` has them, take PORT and the next one. Nothing here listens beyond loopback, and
no other address is taken.
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from harness.errors import Unavailable

VARIABLE = "HARNESS_CHROMIUM_CDP"
PORT_VARIABLE = "HARNESS_PAGE_PORT"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANSWER_SECONDS = 5.0


class NoBrowser(Unavailable):
    """What `VARIABLE` names is no browser that can be used: what is `missing`, and the `remedy`."""

    def __init__(self, missing: str, remedy: str) -> None:
        super().__init__(f"{missing[0].upper()}{missing[1:]} is missing; {remedy}.")
        self.missing, self.remedy = missing, remedy


def address() -> str:
    """The address that was named; empty where none was. Raises `NoBrowser` where it is no loopback address."""
    named = os.environ.get(VARIABLE, "").strip().rstrip("/")
    if not named:
        return ""
    try:
        parts = urlsplit(named)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host not in LOOPBACK or port is None or not named.startswith(("http://", "ws://")):
        raise NoBrowser(
            f"a loopback address in {VARIABLE}, which is '{named}',",
            "name one, as http://127.0.0.1:9222; `adb forward` or `ssh -L` brings another machine's there",
        )
    return named


def page_port() -> int:
    """The port of 127.0.0.1 on which a page reaches this machine; 0 for any. Raises `Unavailable` for no port."""
    named = os.environ.get(PORT_VARIABLE, "").strip() or "0"
    if not named.isascii() or not named.isdigit() or int(named) > 65535:
        raise Unavailable(f"{PORT_VARIABLE} is '{named}'; name a port from 1 to 65535.")
    return int(named)


_TURN = threading.RLock()
"""Held while a page is open on a port that was named: other threads wait for as long as it takes."""
_OPEN: list[int] = []
"""The ports of the thread that has the turn."""


@contextmanager
def port_of_page() -> Iterator[int]:
    """A port for one page while it is open: the named one, and of a thread that has a page open on that, the next; 0
    where none was named. Raises `Unavailable`."""
    named = page_port()
    if not named:
        yield 0
        return
    with _TURN:
        port = named + len(_OPEN)
        if port > 65535:
            raise Unavailable(f"{PORT_VARIABLE} is {named}, and a second page needs the next port; name a lower one.")
        _OPEN.append(port)
        try:
            yield port
        finally:
            _OPEN.remove(port)


def version(at: str) -> str:
    """What the browser at that address calls itself. Raises `NoBrowser` where none answers."""
    return _version(at)


@functools.lru_cache(maxsize=4)
def _version(at: str) -> str:
    asked = at.replace("ws://", "http://", 1).split("/devtools/")[0]
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{asked}/json/version", timeout=ANSWER_SECONDS) as response:
            said = json.load(response)
        return f"{said['Browser']}{' on Android' if 'Android-Package' in said else ''}"
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        raise NoBrowser(
            f"a browser that answers at {at}, which {VARIABLE} names,",
            f"start one with `--remote-debugging-port`, or unset {VARIABLE}",
        ) from error
