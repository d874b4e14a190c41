"""A client of the W3C's WebDriver protocol: the seven commands that a page's session needs.

Each is one HTTP request with a JSON body (https://www.w3.org/TR/webdriver2/#endpoints). Selenium would do the same with
six packages and a program that looks for drivers on the network.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

_LONGEST_MILLISECONDS = 2**31 - 1
"""Limit for loading a page, which needs one. A script may have no limit."""


class WebDriverError(Exception):
    """A command that was not done, in the protocol's own words ("invalid session id"), or that nobody answered."""


def ready(port: int) -> bool:
    """Whether a driver listens on that port of 127.0.0.1 and would start a browser."""
    try:
        return bool(_called(port, "GET", "/status").get("ready"))
    except WebDriverError:
        return False


class WebDriverSession:
    """One browser, started by the driver that listens on `port` of 127.0.0.1. Every method raises `WebDriverError`."""

    def __init__(self, port: int, capabilities: Mapping[str, Any]) -> None:
        """`capabilities`: what the browser has to be, beside limits so long that none is met."""
        self._port = port
        timeouts = {"script": None, "pageLoad": _LONGEST_MILLISECONDS}
        wanted = {"capabilities": {"alwaysMatch": {"timeouts": timeouts, **capabilities}}}
        self._path = f"/session/{_called(port, 'POST', '/session', wanted)['sessionId']}"

    def window(self) -> str:
        """The handle of the window that commands go to."""
        return str(self._call("GET", "window"))

    def new_window(self) -> str:
        """The handle of a new window; commands still go to the one before."""
        return str(self._call("POST", "window/new", {"type": "window"})["handle"])

    def switch_to(self, handle: str) -> None:
        """Have commands go to a window."""
        self._call("POST", "window", {"handle": handle})

    def close_window(self) -> None:
        """End the window that commands go to."""
        self._call("DELETE", "window")

    def navigate(self, address: str) -> None:
        """Load an address; returns when the page's `load` event is over."""
        self._call("POST", "url", {"url": address})

    def run(self, script: str, *arguments: Any) -> Any:
        """What the body of a function gives to the callback that is its last argument, once it does."""
        return self._call("POST", "execute/async", {"script": script, "args": list(arguments)})

    def _call(self, method: str, command: str, body: Mapping[str, Any] | None = None) -> Any:
        return _called(self._port, method, f"{self._path}/{command}", body)


def _called(port: int, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """The `value` that a driver answers with. Raises `WebDriverError`."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        content = None if body is None else json.dumps(body).encode()
        connection.request(method, path, content, {"Content-Type": "application/json; charset=utf-8"})
        response = connection.getresponse()
        value = json.loads(response.read())["value"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise WebDriverError(f"the driver did not answer ({type(error).__name__})") from error
    finally:
        connection.close()
    if response.status != 200:
        said = value if isinstance(value, Mapping) else {}
        words = [str(said.get(key) or "") for key in ("error", "message")]
        raise WebDriverError(": ".join(word for word in words if word) or f"HTTP {response.status}")
    return value
