"""A browser by its DevTools address: a Chromium that was started apart, and addresses that are none."""

import os
import signal
import socket
import subprocess
import threading
import time

import numpy as np
import pytest

from harness.errors import Unavailable
from harness.process.warm import end_warm
from harness.target import Limits, TimingPlan
from harness_targets.browser import address
from harness_targets.browser.browsers import CHROMIUM
from harness_targets.litertjs.target import LiteRTJSTarget
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
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.needs("converter", "litertjs", "chromium")
def test_a_browser_that_somebody_else_started_is_used_and_left_running(chromium_apart, litert_model, monkeypatch):
    at, process = chromium_apart
    monkeypatch.setenv(address.VARIABLE, at)
    target = LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ())
    artifact, samples, reference = litert_model
    for _ in range(2):
        with target.open(artifact, Limits(90, 90)) as session:
            outputs = session.infer(samples)
            details = session.time(samples, TimingPlan(5, 0.0, 5)).details
        np.testing.assert_allclose(outputs["output_0"], reference["output_0"], atol=1e-5)
        assert "HeadlessChrome" in details["browser"] or "Chrome/" in details["browser"]
        end_warm()
        assert process.poll() is None
    assert target.fingerprint()["flags"] == f"as it was started, at {at}"
    assert f" at {at}" in target.probe().details["browser"]


@pytest.mark.parametrize(
    "named",
    ["http://192.168.1.7:9222", "http://0.0.0.0:9222", "http://127.0.0.1", "127.0.0.1:9222", "http://[", "file:///etc"],
)
def test_an_address_beyond_loopback_is_refused_in_a_sentence(monkeypatch, named, tmp_path):
    monkeypatch.setenv(address.VARIABLE, named)
    target = LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ())
    readiness = target.probe()
    assert not readiness.ready
    assert "a browser is taken at a loopback address alone" in readiness.missing
    converter = FakeConverter(tmp_path)
    artifact = converter.convert(converter.prepare(entry()), FAKE_FORMAT, FAKE_FORMAT.variant("float32"))
    with pytest.raises(Unavailable, match="loopback address alone"), target.open(artifact):
        pass


def test_where_nobody_answers_the_address_is_named(monkeypatch):
    monkeypatch.setenv(address.VARIABLE, "http://127.0.0.1:9")
    readiness = LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ()).probe()
    assert not readiness.ready
    assert readiness.missing.startswith("No browser answers at http://127.0.0.1:9, which HARNESS_CHROMIUM_CDP names")
    assert readiness.install == "unset HARNESS_CHROMIUM_CDP"


def test_something_else_than_a_browser_at_the_address_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(Unavailable, match="No browser answers at"):
            address.version(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def test_a_port_that_is_none_is_a_sentence(monkeypatch):
    monkeypatch.setenv(address.PORT_VARIABLE, "70000")
    with pytest.raises(Unavailable, match="name a port from 1 to 65535"):
        address.page_port()
