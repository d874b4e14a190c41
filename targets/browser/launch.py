"""Running browsers: each with the worker that drives it, kept for the next case."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import CaseError
from harness.process.child import ChildProcess
from harness.process.warm import WarmPool

from .browsers import Browser, ended
from .display import display

WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Launch:
    """All that tells one running browser from another."""

    browser: Browser = field(hash=False)
    program: str
    flags: tuple[str, ...]
    address: str = ""
    """The DevTools address of one that somebody else started, in place of `program`."""
    port: int = 0
    """Where its pages reach this machine; 0 for any port."""
    with_display: bool = False
    driver: str = ""
    """The browser's own program that drives it; empty where Playwright does."""
    start_seconds: float = field(default=60.0, compare=False)


@dataclass(frozen=True)
class Started:
    """A running browser: the worker that drives it and the folder that holds its profile."""

    child: ChildProcess
    profile: Path
    """A folder that the command line or the environment of every process of this browser names."""


@contextmanager
def _started(launch: Launch) -> Iterator[Started]:
    with ExitStack() as stack:
        variables = (
            stack.enter_context(display(launch.browser.name, hidden=bool(launch.driver))) if launch.with_display else {}
        )
        profile = Path(tempfile.mkdtemp(prefix="harness-browser-"))
        stack.enter_context(ended(profile))
        # Playwright makes the browser's own profile in the folder for temporary files.
        variables = {**variables, "TMPDIR": str(profile)}
        child = stack.enter_context(
            ChildProcess(
                launch.browser.name,
                Path(sys.executable),
                WORKER,
                environment=variables,
                start_seconds=launch.start_seconds,
            )
        )
        child.call(
            "launch",
            seconds=launch.start_seconds,
            engine=launch.browser.engine,
            executable=launch.program,
            address=launch.address,
            port=launch.port,
            flags=launch.flags,
            preferences=dict(launch.browser.preferences),
            profile=str(profile),
            driver=launch.driver,
        )
        yield Started(child, profile)


def renderer(launch: Launch, backend: str) -> str:
    """What a page of such a browser calls its renderer or adapter. Raises a `CaseError` where it does not answer within
    `start_seconds`: on some machines some flags make a browser hang."""
    with _started(launch) as started:
        said, _ = started.child.call("renderer", seconds=launch.start_seconds, backend=backend)
    return str(said["renderer"])


def close_page(child: ChildProcess, seconds: float) -> None:
    """End the page that was open. A browser that cannot is not kept."""
    if child.alive():
        try:
            child.call("close", seconds=seconds)
        except CaseError:
            child.kill()


BROWSERS: WarmPool[Launch, Started] = WarmPool(_started, lambda started: started.child.alive())
