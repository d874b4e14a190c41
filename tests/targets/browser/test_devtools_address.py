"""A browser by its DevTools address: a Chromium that was started apart, and addresses that are none."""

import os
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import Error as PlaywrightError

from harness.errors import Crashed, Unavailable
from harness.process.warm import end_warm
from harness.target import SessionTimeouts, TimingPlan
from harness_targets.browser import devtools_address, gpu
from harness_targets.browser import target as browser_target
from harness_targets.browser.browsers import CHROMIUM
from harness_targets.browser.drivers.by_playwright import PlaywrightDriver
from harness_targets.browser.npm import Bundle
from harness_targets.litertjs.target import LiteRTJSTarget
from tests.harness.fakes.announced_lock import AnnouncedLock
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry


@pytest.fixture
def chromium_apart(tmp_path):
    """Its DevTools address. It is no child of a target, and it outlives every session."""
    flags = [*CHROMIUM.flags, "--headless", "--no-sandbox", f"--user-data-dir={tmp_path}", "--remote-debugging-port=0"]
    process = subprocess.Popen(
        [str(CHROMIUM.executable()), *flags], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, process_group=0
    )
    said = tmp_path / "DevToolsActivePort"
    try:
        while not said.exists() or not said.read_text().strip():
            assert process.poll() is None
            time.sleep(0.05)
        yield f"http://127.0.0.1:{said.read_text().split()[0]}", process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.needs("converter", "litertjs", "chromium")
def test_a_browser_that_somebody_else_started_is_used_and_left_running(chromium_apart, litert_model, monkeypatch):
    at, process = chromium_apart
    monkeypatch.setenv(devtools_address.VARIABLE, at)
    target = LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ())
    artifact, samples, reference = litert_model
    for _ in range(2):
        with target.open(artifact, SessionTimeouts(90, 90)) as session:
            outputs = session.infer(samples)
            details = session.time(samples, TimingPlan(5, 0.0, 5)).details
        np.testing.assert_allclose(outputs["output_0"], reference["output_0"], atol=1e-5)
        assert "HeadlessChrome" in details["browser"] or "Chrome/" in details["browser"]
        end_warm()
        assert process.poll() is None
    assert target.fingerprint()["flags"] == f"as it was started, at {at}"
    assert f" at {at}" in target.probe().details["browser"]


@pytest.mark.needs("converter", "litertjs", "chromium")
def test_where_it_ends_in_mid_inference_that_is_a_crash_of_its_case(chromium_apart, litert_model, monkeypatch):
    at, process = chromium_apart
    monkeypatch.setenv(devtools_address.VARIABLE, at)
    artifact, samples, _ = litert_model
    with LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ()).open(artifact, SessionTimeouts(90, 90)) as session:
        timer = threading.Timer(0.5, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        with pytest.raises(Crashed, match="died"):
            session.time(samples, TimingPlan(1, 60.0, 10**9, max_seconds=60.0))
        timer.join()


@pytest.mark.parametrize(
    "named",
    ["http://192.168.1.7:9222", "http://0.0.0.0:9222", "http://127.0.0.1", "127.0.0.1:9222", "http://[", "file:///etc"],
)
def test_an_address_beyond_loopback_is_refused_in_a_sentence(monkeypatch, named, tmp_path):
    monkeypatch.setenv(devtools_address.VARIABLE, named)
    target = LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ())
    readiness = target.probe()
    assert not readiness.ready
    assert readiness.missing.startswith("a loopback address in HARNESS_CHROMIUM_CDP, which is '")
    assert readiness.install.startswith("name one, as http://127.0.0.1:9222")
    converter = FakeConverter(tmp_path)
    artifact = converter.convert(converter.prepare(entry()), FAKE_FORMAT, FAKE_FORMAT.variant("float32"))
    with pytest.raises(Unavailable, match="is missing; name one"), target.open(artifact):
        pass


def test_where_nobody_answers_the_address_is_named(monkeypatch):
    monkeypatch.setenv(devtools_address.VARIABLE, "http://127.0.0.1:9")
    readiness = LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ()).probe()
    assert not readiness.ready
    assert readiness.missing == "a browser that answers at http://127.0.0.1:9, which HARNESS_CHROMIUM_CDP names,"
    assert readiness.install == "start one with `--remote-debugging-port`, or unset HARNESS_CHROMIUM_CDP"


def test_something_else_than_a_browser_at_the_address_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(Unavailable, match=r"A browser that answers at .* is missing; start one"):
            devtools_address.version(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def test_a_port_that_is_none_is_a_sentence(monkeypatch):
    monkeypatch.setenv(devtools_address.PORT_VARIABLE, "70000")
    with pytest.raises(Unavailable, match="name a port from 1 to 65535"):
        devtools_address.page_port()


class Phone:
    """Stands for a browser that has one context, its user's, and for all that a page is asked in it."""

    def __init__(self):
        self.contexts = [self]
        self.asked = []

    def new_context(self):
        raise PlaywrightError("Not supported")

    def new_page(self):
        return self

    def __getattr__(self, name):
        return lambda *_, **__: self.asked.append(name)


def test_the_context_of_a_phones_browser_is_left_as_it_was_and_serves_the_next_page():
    driver = PlaywrightDriver()
    driver.browser = phone = Phone()
    driver.only_context = phone.contexts
    for _ in range(2):
        phone.asked.clear()
        driver.show("http://127.0.0.1:9/token/page/index.html", "http://127.0.0.1:9")
        driver.close()
        assert phone.asked.count("close") == 1, "the page alone: a phone has but this context"
        assert "route" not in phone.asked, "its user's own pages are left alone"


def test_pages_on_one_port_wait_for_each_other_as_long_as_it_takes(monkeypatch, tmp_path):
    monkeypatch.setenv(devtools_address.VARIABLE, "http://127.0.0.1:9222")
    monkeypatch.setenv(devtools_address.PORT_VARIABLE, "9333")
    monkeypatch.setattr(devtools_address, "version", lambda at: "Chrome/1")
    monkeypatch.setattr(Bundle, "install", lambda self: tmp_path)
    open_now, most, turn = [], [], AnnouncedLock(4)
    monkeypatch.setattr(devtools_address, "_TURN", turn)

    class Child:
        alive = staticmethod(lambda: True)

        def call(self, operation, **_):
            return {"loaded": {"files": {}, "inputs": []}}, {}

    class Browsers:
        @contextmanager
        def borrowed(self, _):
            open_now.append(1)
            most.append(len(open_now))
            assert turn.all_want_it.wait(60)
            yield SimpleNamespace(child=Child(), profile=tmp_path)
            open_now.pop()

    monkeypatch.setattr(browser_target, "BROWSERS", Browsers())
    converter = FakeConverter(tmp_path)
    artifact = converter.convert(converter.prepare(entry()), FAKE_FORMAT, FAKE_FORMAT.variant("float32"))

    def opened(_):
        with LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ()).open(artifact):
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(opened, range(4)))
    assert most == [1, 1, 1, 1]


def test_two_pages_of_one_comparison_take_the_named_port_and_the_next(monkeypatch):
    monkeypatch.setenv(devtools_address.PORT_VARIABLE, "9333")
    with devtools_address.port_of_page() as old, devtools_address.port_of_page() as new:
        assert (old, new) == (9333, 9334)
    with devtools_address.port_of_page() as alone:
        assert alone == 9333
    monkeypatch.setenv(devtools_address.PORT_VARIABLE, "65535")
    with (
        devtools_address.port_of_page(),
        pytest.raises(Unavailable, match="a second page needs the next port"),
        devtools_address.port_of_page(),
    ):
        pass


def test_a_browser_named_beside_one_that_was_started_elsewhere_is_started_here_as_any_other(monkeypatch):
    """`harness ab … --old browser=PATH` while HARNESS_CHROMIUM_CDP is set: that side draws by software."""
    monkeypatch.setenv(devtools_address.VARIABLE, "http://127.0.0.1:9222")
    monkeypatch.setenv(gpu.GPU_VARIABLE, "auto")
    monkeypatch.setattr(gpu, "gpu_device", lambda *_: "")
    elsewhere = LiteRTJSTarget("litertjs/chromium-webgpu", "webgpu", ())
    here = LiteRTJSTarget("litertjs/chromium-webgpu", "webgpu", (), program=Path("/usr/bin/true"))
    assert (elsewhere.chosen_gpu, elsewhere.simulated) == (None, False)
    assert here.simulated
    assert here.chosen_gpu is not None
