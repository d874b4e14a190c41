"""WebKitGTK for real: nothing of it outlives those who started it."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from harness_targets.browser import browsers

pytestmark = pytest.mark.needs("webkit")
LONGEST_SECONDS = 120.0
"""A web process whose browser is gone ends within 10 s, whatever its page does (WebKit's AuxiliaryProcess); a machine
that is busy takes longer."""

ENGINE = """
    import sys, time
    from harness_targets.browser.browsers import WEBKIT
    from harness_targets.browser.launch import BROWSERS, Launch

    launch = Launch(WEBKIT, str(WEBKIT.executable()), (), with_display=True, driver=WEBKIT.own_driver())
    with BROWSERS.borrowed(launch) as started:
        started.child.call("renderer", seconds=60, backend="webgl")
        print(started.profile, flush=True)
        time.sleep(600)
"""


def names(processes):
    """Of those that are still there: a browser that starts up has some for a moment."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found.append(process.name())
    return found


def test_where_the_engine_is_killed_the_browser_its_driver_and_its_display_end(tmp_path):
    engine = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(ENGINE)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        profile = Path(engine.stdout.readline().strip())
        left = browsers.processes(profile)
        assert set(names(left)) >= {"WebKitWebDriver", "MiniBrowser", "WebKitWebProcess"}
        left += psutil.Process(engine.pid).children(recursive=True)
        assert names(left).count("Xvfb") == 1
    finally:
        engine.send_signal(signal.SIGKILL)
        engine.wait()
    deadline = time.monotonic() + LONGEST_SECONDS
    while (alive := [process for process in left if browsers.alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive == []
