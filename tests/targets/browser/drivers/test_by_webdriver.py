"""WebKitGTK's driver as the worker sees it: what is asked of it, and what its silence means. No browser takes part."""

import json
import shutil
import sys
from pathlib import Path

import psutil
import pytest

from harness_targets.browser.drivers.by_webdriver import WebDriver
from harness_targets.browser.drivers.driver import Gone
from harness_targets.browser.drivers.parent_death import PROFILE_VARIABLE

pytestmark = pytest.mark.needs("setpriv")
GPU = "Acceleration (Render Process)\nGL_RENDERER\t\nllvmpipe (LLVM 15.0.6, 256 bits)\nGL_VENDOR\nMesa"


@pytest.fixture
def started(tmp_path, monkeypatch):
    """A function that gives a driver whose program follows a script, and a function of what that was asked."""
    drivers = []
    program = tmp_path / "driver"
    program.write_text(f"#!{sys.executable}\n{Path(__file__).with_name('fake_webdriver.py').read_text()}")
    program.chmod(0o755)
    log = tmp_path / "log"

    def started(**script):
        monkeypatch.setenv("FAKE_WEBDRIVER", json.dumps({"log": str(log), **script}))
        driver = WebDriver()
        drivers.append(driver)
        driver.launch(
            {"driver": str(program), "executable": "/usr/MiniBrowser", "flags": ["--flag"], "profile": str(tmp_path)}
        )
        return driver, lambda: [json.loads(line) for line in log.read_text().splitlines()]

    yield started
    for driver in drivers:
        for child in psutil.Process(driver._process.pid).children(recursive=True):
            child.kill()
        driver._process.kill()
        driver._process.wait()


def commands(asked):
    return [(method, path.removeprefix("/session/s/"), body) for method, path, body in asked if "/session/s/" in path]


def test_the_browser_is_started_without_a_proxy_or_a_limit_and_ends_with_the_driver(started, tmp_path):
    driver, asked = started(answers={})
    ((_, _, body),) = [call for call in asked() if call[1] == "/session"]
    wanted = body["capabilities"]["alwaysMatch"]
    assert wanted["proxy"] == {"proxyType": "direct"}
    assert wanted["timeouts"]["script"] is None
    assert wanted["webkitgtk:browserOptions"] == {
        "binary": "setpriv",
        "args": ["--pdeathsig", "KILL", "/usr/MiniBrowser", "--automation", "--flag"],
    }
    environment = Path(f"/proc/{driver._process.pid}/environ").read_bytes().decode().split("\0")
    assert f"{PROFILE_VARIABLE}={tmp_path}" in environment
    assert f"XDG_CACHE_HOME={tmp_path}/cache" in environment


def test_each_page_has_a_window_of_its_own_and_the_first_one_stays(started):
    driver, asked = started(answers={"open": {"answer": {"fine": [1.5]}, "said": []}}, absent=2)
    for page in ("one", "two"):
        driver.show(f"http://127.0.0.1:9/{page}", "http://127.0.0.1:9")
        assert driver.ask("open", {"sample": 3}) == {"fine": [1.5]}
        driver.close()
    driver.close()  # nothing is open: nothing is asked
    steps = [command for command in commands(asked()) if command[1] != "execute/async"]
    assert steps == [
        ("GET", "window", {}),
        *(
            step
            for number, page in ((1, "one"), (2, "two"))
            for step in (
                ("POST", "window/new", {"type": "window"}),
                ("POST", "window", {"handle": f"window {number}"}),
                ("POST", "url", {"url": f"http://127.0.0.1:9/{page}"}),
                ("DELETE", "window", {}),
                ("POST", "window", {"handle": "first"}),
            )
        ),
    ]
    scripts = [body for _, command, body in commands(asked()) if command == "execute/async"]
    assert [bool(body["args"]) for body in scripts] == [False, False, False, True, False, True]  # until it was there
    assert scripts[-1]["args"] == ["open", {"sample": 3}]


def test_what_the_page_says_is_in_the_log_and_what_it_rejects_is_a_problem(started, capfd):
    driver, _ = started(answers={"open": {"error": "TypeError: no", "said": ["console warn: careful"]}})
    driver.show("http://127.0.0.1:9/page", "http://127.0.0.1:9")
    assert driver.ask("open", {}) == {"problem": {"kind": "failed", "message": "TypeError: no"}}
    assert "console warn: careful" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("dead", "words"),
    [
        ("tab", "the tab crashed"),
        ("browser", "the browser died"),
        ("driver", "the browser died"),
        ("network", "the browser lost its WebKitNetworkProcess"),
    ],
)
def test_what_is_gone_is_told_at_once(started, dead, words):
    driver, _ = started(answers={}, dies={"time": dead})
    driver.show("http://127.0.0.1:9/page", "http://127.0.0.1:9")
    with pytest.raises(Gone, match=f"^{words} during 'time'"):
        driver.ask("time", {})
    with pytest.raises(Gone, match="during 'close'"):
        driver.close()


def test_a_browser_or_a_driver_that_does_not_start_is_one_sentence(started, tmp_path):
    with pytest.raises(Gone, match=r"the browser /usr/MiniBrowser did not start \(session not created: Failed"):
        started(answers={}, refuse=True)
    broken = {"driver": shutil.which("false"), "executable": "", "flags": [], "profile": str(tmp_path)}
    with pytest.raises(Gone, match="false does not start; its log says why"):
        WebDriver().launch(broken)


def test_what_draws_is_asked_of_the_browser_once_as_its_pages_are_told_something_else(started):
    driver, asked = started(answers={}, gpu=GPU)
    assert [driver.renderer(), driver.renderer()] == ["llvmpipe (LLVM 15.0.6, 256 bits)"] * 2
    assert [body["url"] for _, command, body in commands(asked()) if command == "url"] == ["webkit://gpu"]
