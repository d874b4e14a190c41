"""A display for a browser that works, or draws with WebGL, only where it has one: the user's, or a virtual one of our
own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

from harness.errors import Unavailable

PROGRAM = "Xvfb"


def missing() -> str:
    """What keeps a browser from a display; empty if there is one or one can be started."""
    return "" if os.environ.get("DISPLAY") or shutil.which(PROGRAM) else f"a display, or {PROGRAM} for a virtual one"


@contextlib.contextmanager
def display(browser: str, hidden: bool = False) -> Iterator[dict[str, str]]:
    """The environment variables of a display, which lives as long as this does. Nothing listens on the network.
    `hidden`: a virtual one where that can be had, for a browser that opens windows. Raises `Unavailable` where there is
    none; `browser` is who needs it."""
    program = shutil.which(PROGRAM)
    if os.environ.get("DISPLAY") and not (hidden and program):
        yield {}
        return
    if program is None:
        raise Unavailable(f"{browser} needs {missing()}; install {PROGRAM}.")
    read, write = os.pipe()
    # It ends with its last client, so that one whose engine was killed is no orphan.
    server = subprocess.Popen(
        [program, "-terminate", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        os.close(write)
        with os.fdopen(read) as said:
            number = said.readline().strip()  # at its end, where it does not start
        if not number:
            raise Unavailable(f"{PROGRAM} does not start here, so that {browser} has no display.")
        yield {"DISPLAY": f":{number}"}
    finally:
        server.kill()
        server.wait()
