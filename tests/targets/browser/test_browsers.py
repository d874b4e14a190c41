"""Which browser is taken: a named one, one on PATH, one that Playwright downloaded."""

import pytest

from harness_targets.browser.browsers import CHROMIUM, FIREFOX


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
