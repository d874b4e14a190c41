"""The process of a Chromium that computes on the GPU, ended from outside."""

from pathlib import Path

from harness_targets.browser import browsers


def kill_gpu_process(profile: Path) -> None:
    """End it in the browser that has this profile; the browser starts another, and what pages had there is gone."""
    for process in browsers.processes(profile):
        if browsers.alive(process) and "--type=gpu-process" in process.cmdline():
            process.kill()
