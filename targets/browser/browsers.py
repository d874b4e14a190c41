"""The browsers: where each is, which one it is, how it is started, and how every process of it is ended."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

from harness.errors import Unavailable
from harness.installation.packages import install_line

from .display import display
from .drivers.parent_death import DIE_WITH_PARENT, PROFILE_VARIABLE

END_SECONDS = 5.0


@dataclass(frozen=True)
class Browser:
    """One kind of browser. A browser that starts up has much to ask of the network; none of it is ours: `flags` and
    `preferences` keep it quiet."""

    name: str
    engine: Literal["chromium", "firefox", "webkit"]
    """What Playwright calls its kind."""
    programs: tuple[str, ...]
    """Commands to look for, in this order."""
    variable: str
    """The environment variable that names another one."""
    package: str
    """Package of the browser: its row of system-packages.txt."""
    flags: tuple[str, ...] = ()
    backend_flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further flags by the backend that is to run."""
    download_layouts: tuple[str, ...] = ()
    """Where the program lies below the folder of Playwright's downloads, on each system. Empty for a browser that
    Playwright has only with patches of its own."""
    windowless_programs: tuple[str, ...] = ()
    """Programs of the same engine without the code for windows. A page of a new context costs such a program a tenth of
    the processor's time of one with windows, because the whole browser draws a window that nobody sees."""
    windowless_layouts: tuple[str, ...] = ()
    """Where the windowless program lies; see `download_layouts`."""
    preferences: Mapping[str, Any] = field(default_factory=dict)
    locations: tuple[str, ...] = ()
    """Where the program is that the system's packages bring and that is not on PATH: patterns of absolute paths."""
    driver: str = ""
    """The command that drives what the system's packages bring, where Playwright does not."""

    def executable(self) -> Path | None:
        """The one that `variable` names where it is set (None if that is nothing that runs), else the first on PATH,
        else the newest that Playwright downloaded, else the system's own."""
        named = os.environ.get(self.variable)
        for name in (named,) if named else self.programs:
            found = shutil.which(name)
            if found:
                return Path(found)
        return None if named else next(iter((*self._downloaded(self.download_layouts), *self._located())), None)

    def _located(self) -> list[Path]:
        """The system's own programs, each in the place of `locations` that it was found in."""
        found = [path for pattern in self.locations for path in sorted(Path("/").glob(pattern.lstrip("/")))]
        return [path for path in found if os.access(path, os.X_OK)]

    def own_driver(self, program: Path | None = None) -> str:
        """The command that drives `program` (the usual one unless named); empty where Playwright does."""
        path = program or self.executable()
        playwrights = [Path(layout).name for layout in self.download_layouts]
        return self.driver if path is not None and path.name not in playwrights else ""

    def driver_file(self, program: Path | None = None) -> Path:
        """What of this package drives `program`."""
        name = "by_webdriver.py" if self.own_driver(program) else "by_playwright.py"
        return Path(__file__).with_name("drivers") / name

    def windowless_executable(self) -> Path | None:
        """The program without windows, if there is one and `variable` names no other; else `executable`."""
        if not os.environ.get(self.variable):
            for name in self.windowless_programs:
                if found := shutil.which(name):
                    return Path(found)
            if self.executable() in self._downloaded(self.download_layouts):
                return next(iter(self._downloaded(self.windowless_layouts)), self.executable())
        return self.executable()

    @staticmethod
    def _downloaded(layouts: tuple[str, ...]) -> list[Path]:
        """The program in each folder where `playwright install` puts a browser, the newest revision first."""
        found = [
            (int(revision.group(1)), program)
            for pattern in layouts
            for program in _downloads_directory().glob(pattern)
            if (revision := re.match(r"[a-z_]+-(\d+)$", program.relative_to(_downloads_directory()).parts[0]))
            and os.access(program, os.X_OK)
        ]
        return [program for _, program in sorted(found, reverse=True)]

    def install_line(self) -> str:
        """The one line that gets it here."""
        return install_line(self.package)

    def missing(self) -> str:
        """What is missing, in words; empty if a browser is there."""
        named = os.environ.get(self.variable)
        if self.windowless_executable() is not None:
            return next((f"{need}, which drives {self.name}" for need in self._needs() if not shutil.which(need)), "")
        return f"{named}, which {self.variable} names" if named else self.name

    def _needs(self) -> tuple[str, ...]:
        """Commands without which the usual program is not driven."""
        driver = self.own_driver()
        return (driver, DIE_WITH_PARENT[0]) if driver else ()

    def version(self, program: Path | None = None) -> str:
        """What `--version` of `program` (the usual one unless named) says, and whether it has windows; asked once for
        each state of the executable; empty where there is none. Of a script of Playwright's, the folder with the
        build's number."""
        path = program or self.executable()
        if path is None:
            return ""
        if path.suffix == ".sh":
            return f"Playwright's {path.parent.name}"
        state = path.resolve().stat()
        needs_display = self.name if self.own_driver(path) else ""
        version = _version(path, needs_display, state.st_mtime_ns, state.st_size)
        return f"{version} without windows" if self._is_windowless(path) else version

    def _is_windowless(self, program: Path) -> bool:
        """Whether the program is a windowless one. Its name decides, because its version says nothing about it."""
        return program.name in {Path(name).name for name in (*self.windowless_programs, *self.windowless_layouts)}


CHROMIUM = Browser(
    "Chromium",
    "chromium",
    ("chromium", "chromium-browser", "google-chrome"),
    "HARNESS_CHROMIUM",
    package="chromium",
    flags=(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-domain-reliability",
        "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    ),
    # The software renderer by name: the same on every machine, and never taken for a GPU.
    backend_flags={
        "webgl": ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
        "webgpu": ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"),
    },
    download_layouts=(
        "chromium-*/chrome-linux*/chrome",
        "chromium-*/chrome-mac*/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing",
        "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
    ),
    windowless_programs=("chromium-headless-shell",),
    windowless_layouts=(
        "chromium_headless_shell-*/chrome-*/headless_shell",
        "chromium_headless_shell-*/chrome-headless-shell-*/chrome-headless-shell",
    ),
)
FIREFOX = Browser(
    "Firefox",
    "firefox",
    ("firefox-esr", "firefox"),
    "HARNESS_FIREFOX",
    package="firefox-esr",
    preferences={
        "app.update.enabled": False,
        "browser.safebrowsing.malware.enabled": False,
        "browser.safebrowsing.phishing.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "extensions.update.enabled": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "services.settings.server": "data:,#no-server",
        "toolkit.telemetry.enabled": False,
        "webgl.force-enabled": True,
    },
)


WEBKIT = Browser(
    "WebKit",
    "webkit",
    (),
    "HARNESS_WEBKIT",
    package="webkit",
    download_layouts=("webkit-*/pw_run.sh",),
    locations=tuple(
        f"/{folder}/{library}/MiniBrowser"
        for folder in ("usr/lib/*", "usr/lib", "usr/lib64", "usr/libexec")
        for library in ("webkit2gtk-4.1", "webkitgtk-6.0", "webkit2gtk-4.0")
    ),
    driver="WebKitWebDriver",
)


def _downloads_directory() -> Path:
    """Where `playwright install` puts browsers, as "Managing browser binaries" of its documentation has it."""
    if named := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return Path(named)
    if sys.platform == "darwin":
        return Path("~/Library/Caches/ms-playwright").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ms-playwright"


@functools.lru_cache(maxsize=8)
def _version(path: Path, needs_display: str, modified: int, size: int) -> str:
    """`needs_display`: the browser's name, if it does not even say its version without a display."""
    place: contextlib.AbstractContextManager[Mapping[str, str]] = contextlib.nullcontext({})
    if needs_display:
        place = display(needs_display, hidden=True)
    try:
        with place as variables:
            done = subprocess.run(
                [path, "--version"],
                capture_output=True,
                text=True,
                timeout=20,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **variables},
            )
    except (OSError, subprocess.TimeoutExpired, Unavailable):
        return ""
    return done.stdout.strip()


def processes(profile: Path) -> list[psutil.Process]:
    """Every process of the browser that runs with the profile folder `profile`, the descendants included."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if any(str(profile) in argument for argument in process.cmdline()) or (
                process.environ().get(PROFILE_VARIABLE) == str(profile)
            ):
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
