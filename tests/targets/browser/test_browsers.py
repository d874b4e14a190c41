"""Which browser is taken: a named one, one on PATH, one that Playwright downloaded."""

from dataclasses import replace

import pytest

from harness.errors import Unavailable
from harness.installation.packages import install_line
from harness_targets.browser.browsers import CHROMIUM, FIREFOX, WEBKIT
from harness_targets.litertjs.target import LiteRTJSTarget


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    """A folder of Playwright's downloads, and an empty PATH."""
    folder = tmp_path / "ms-playwright"
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(folder))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("HARNESS_CHROMIUM", raising=False)
    (tmp_path / "bin").mkdir()
    return folder


def program(path):
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_playwrights_chromium_is_taken_where_path_has_none(downloads, tmp_path):
    assert CHROMIUM.executable() is None
    assert CHROMIUM.missing() == "Chromium"
    older = program(downloads / "chromium-999" / "chrome-linux" / "chrome")
    assert CHROMIUM.executable() == older
    newer = program(downloads / "chromium-1248" / "chrome-linux64" / "chrome")
    program(downloads / "chromium_headless_shell-1300" / "chrome-linux64" / "chrome")
    assert CHROMIUM.executable() == newer
    assert CHROMIUM.missing() == ""
    on_path = tmp_path / "bin" / "chromium"
    on_path.write_text("#!/bin/sh\n")
    on_path.chmod(0o755)
    assert CHROMIUM.executable() == on_path


def test_the_one_without_windows_is_taken_where_there_is_one(downloads, tmp_path, monkeypatch):
    full = program(downloads / "chromium-1248" / "chrome-linux64" / "chrome")
    assert CHROMIUM.windowless_executable() == full
    layout = downloads / "chromium_headless_shell-1248" / "chrome-headless-shell-linux64" / "chrome-headless-shell"
    program(layout)
    assert CHROMIUM.windowless_executable() == layout
    on_path = tmp_path / "bin" / "chromium"
    on_path.write_text("#!/bin/sh\n")
    on_path.chmod(0o755)
    assert CHROMIUM.windowless_executable() == on_path, "of the system's own browser, and not another version's"
    beside = on_path.with_name("chromium-headless-shell")
    beside.write_text("#!/bin/sh\necho Chromium 156.0\n")
    beside.chmod(0o755)
    assert CHROMIUM.windowless_executable() == beside
    assert CHROMIUM.executable() == on_path
    assert CHROMIUM.version(beside) == "Chromium 156.0 without windows"
    monkeypatch.setenv("HARNESS_CHROMIUM", str(on_path))
    assert CHROMIUM.windowless_executable() == on_path, "who names a browser gets that one"


def test_macos_has_it_in_an_application(downloads):
    name = "Google Chrome for Testing"
    found = program(downloads / "chromium-1248" / "chrome-mac-arm64" / f"{name}.app" / "Contents" / "MacOS" / name)
    assert CHROMIUM.executable() == found


def test_an_unfinished_download_is_none(downloads):
    program(downloads / "chromium-1248" / "chrome-linux64" / "chrome").chmod(0o644)
    assert CHROMIUM.executable() is None


def test_who_names_a_browser_gets_that_one_or_none(downloads, monkeypatch):
    program(downloads / "chromium-1248" / "chrome-linux64" / "chrome")
    monkeypatch.setenv("HARNESS_CHROMIUM", "no-such-browser")
    assert CHROMIUM.executable() is None


def test_playwrights_own_firefox_is_not_taken(downloads):
    """It is patched; what the target stands for is a Firefox as users have it."""
    program(downloads / "firefox-1500" / "firefox" / "firefox")
    assert FIREFOX.executable() is None


@pytest.fixture
def system(downloads, tmp_path, monkeypatch):
    """WebKit, where it looks below `tmp_path` for what the system's packages bring."""
    monkeypatch.delenv("HARNESS_WEBKIT", raising=False)
    places = tuple(f"{tmp_path}/{place.lstrip('/')}" for place in WEBKIT.locations)
    return replace(WEBKIT, locations=places)


def command(tmp_path, name):
    path = tmp_path / "bin" / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def test_webkit_is_playwrights_own_build_where_there_is_one_and_else_the_systems(system, downloads, tmp_path):
    assert system.executable() is None
    assert system.missing() == "WebKit"
    gtk = program(tmp_path / "usr" / "lib" / "x86_64-linux-gnu" / "webkit2gtk-4.1" / "MiniBrowser")
    assert system.executable() == gtk
    assert system.own_driver() == "WebKitWebDriver"
    assert system.driver_file().name == "by_webdriver.py"
    playwrights = program(downloads / "webkit-2158" / "pw_run.sh")
    assert system.executable() == playwrights
    assert system.own_driver() == ""
    assert system.driver_file().name == "by_playwright.py"
    assert system.version() == "Playwright's webkit-2158"
    assert system.missing() == ""


def test_a_minibrowser_that_nothing_drives_is_not_enough(system, tmp_path):
    """Debian's library has the browser, and its driver is a package of its own."""
    program(tmp_path / "usr" / "libexec" / "webkitgtk-6.0" / "MiniBrowser")
    assert system.missing() == "WebKitWebDriver, which drives WebKit"
    target = LiteRTJSTarget("litertjs/webkit-wasm", "wasm", (), browser=system)
    readiness = target.probe()
    assert (readiness.ready, readiness.missing) == (False, "WebKitWebDriver, which drives WebKit")
    assert readiness.install == install_line("webkit")
    with pytest.raises(Unavailable, match="litertjs/webkit-wasm needs WebKitWebDriver, which"), target.open(None):
        pass
    command(tmp_path, "WebKitWebDriver")
    assert system.missing() == "setpriv, which drives WebKit"
    command(tmp_path, "setpriv")
    assert system.missing() == ""


def test_a_version_that_needs_a_display_is_none_where_there_is_none(system, tmp_path, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    program(tmp_path / "usr" / "lib64" / "webkit2gtk-4.1" / "MiniBrowser")
    assert system.version() == ""
    assert CHROMIUM.own_driver() == FIREFOX.own_driver() == ""
