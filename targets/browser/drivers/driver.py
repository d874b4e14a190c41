"""What the worker asks of the library that drives a browser, whichever it is."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, Protocol


class Gone(Exception):
    """The tab or the browser died, or the browser did not start."""

    harness_kind = "crashed"


def first_line(error: Exception) -> str:
    """What a library says of an error, to be quoted in a sentence."""
    return textwrap.shorten(str(error).splitlines()[0] if str(error) else "", 200, placeholder="…")


class Driver(Protocol):
    """One browser, and one page of ours in it at a time. Every method raises `Gone` where the browser does not do it.

    No method has a time limit of its own: the engine's, on the worker's process, is the one that holds.
    """

    foreign: list[str]
    """What the page asked of anybody but its server and the library refused; the page itself tells what its own policy
    refused."""

    def launch(self, request: Mapping[str, Any]) -> None:
        """Start the browser, or take one that runs: `request` is the worker's `launch`."""
        ...

    def show(self, address: str, origin: str) -> None:
        """Open a page that nothing was kept for, and wait for its `globalThis.harness`. `origin` is its server's, the
        only one that it may ask."""
        ...

    def ask(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call `globalThis.harness[operation](request)` and wait for its promise."""
        ...

    def close(self) -> None:
        """End the page and all that the browser kept for it."""
        ...

    def renderer(self) -> str:
        """What draws, in the browser's own words, where a page is told something else; else empty."""
        ...
