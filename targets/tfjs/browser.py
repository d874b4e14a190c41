"""Chromium: where it is, which one it is, how it is started, and how every process of it is ended."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

EXECUTABLE_VARIABLE = "HARNESS_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")
END_SECONDS = 5.0
INSTALL = "apt-get install -y chromium"

# A browser that starts up has much to ask of the network; none of it is ours.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
# The software renderer by name: the same on every machine, and never taken for a GPU.
BACKEND_FLAGS = {
    "cpu": (),
    "wasm": (),
    "webgl": ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    "webgpu": ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"),
}


def executable() -> Path | None:
    """The browser: HARNESS_CHROMIUM where set (None if it names nothing that runs), else the first on PATH."""
    named = os.environ.get(EXECUTABLE_VARIABLE)
    for name in (named,) if named else NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


def missing() -> str:
    """What is missing, in words; empty if a browser is there."""
    named = os.environ.get(EXECUTABLE_VARIABLE)
    if executable() is not None:
        return ""
    return f"{named}, which {EXECUTABLE_VARIABLE} names" if named else "Chromium"


def version(program: Path | None = None) -> str:
    """What `--version` of `program` (the usual browser unless named) says, asked once for each state of the executable;
    empty where there is none."""
    path = program or executable()
    if path is None:
        return ""
    state = path.resolve().stat()
    return _version(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=8)
def _version(path: Path, modified: int, size: int) -> str:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def processes(profile: Path) -> list[psutil.Process]:
    """Every process of the browser that runs with the profile folder `profile`, the descendants included."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(profile) in argument for argument in process.cmdline()):
                found |= {member.pid: member for member in (process, *process.children(recursive=True))}
    return list(found.values())


@contextlib.contextmanager
def ended(profile: Path) -> Iterator[None]:
    """Leaves no process of the browser with that profile behind, whatever happened inside, and removes the profile.

    The process that starts the browser may itself be killed, and Chromium is then nobody's child: its profile folder,
    which no other browser has, tells which processes to end.
    """
    try:
        yield
    finally:
        members = processes(profile)
        for process in members:
            with contextlib.suppress(psutil.Error):
                process.kill()
        deadline = time.monotonic() + END_SECONDS
        while any(alive(process) for process in members) and time.monotonic() < deadline:
            time.sleep(0.01)
        shutil.rmtree(profile, ignore_errors=True)


def alive(process: psutil.Process) -> bool:
    """False for a zombie too: in a container nobody may ever ask for its exit code."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
