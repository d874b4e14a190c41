"""The process of a Chromium that computes on the GPU, ended from outside."""

import threading
from pathlib import Path

import pytest

from harness.errors import Failed
from harness.target import TimingPlan
from harness_targets.browser import browsers


def kill_gpu_process(profile: Path) -> None:
    """End it in the browser that has this profile; the browser starts another, and what pages had there is gone."""
    for process in browsers.processes(profile):
        if browsers.alive(process) and "--type=gpu-process" in process.cmdline():
            process.kill()


def assert_a_lost_device_is_said(session, samples):
    """The process that computes is killed while a page is timed: what waits for it would wait until its time is up."""
    session.infer(samples)
    killer = threading.Timer(1.0, kill_gpu_process, [session.profile])
    killer.start()
    with pytest.raises(Failed, match=r"the browser took the GPU device away .*, so that nothing computed the outputs"):
        session.time(samples, TimingPlan(min_seconds=60, max_iterations=10**9, max_seconds=60))
    killer.join()
