"""What goes wrong: every way ends in its outcome within its limit, and no process of the browser is left over."""

import os
import re
import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest

from harness.errors import Crashed, Failed, TimedOut, Unavailable
from harness.installation.packages import install_line
from harness.target import SessionTimeouts, TimingPlan
from harness_targets.browser import browsers
from harness_targets.tfjs import bundles

pytestmark = pytest.mark.needs("converter", "tfjs", "chromium")
LIMITS = SessionTimeouts(open_seconds=90, infer_seconds=90)
LONG = TimingPlan(min_iterations=1, min_seconds=60, max_iterations=10**9, max_seconds=60)


def damaged(made, folder: Path, name: str):
    """The artifact with files elsewhere, to be damaged there: its hashes are those of the whole files."""
    copy = folder / "artifact"
    shutil.copytree(made(name).artifact.directory, copy)
    return made(name).artifact.model_copy(update={"directory": copy})


def test_a_hung_page_times_out_within_the_limit(target, made, gone):
    model = made("endless-float32")
    with (
        target("wasm").open(model.artifact, SessionTimeouts(open_seconds=90, infer_seconds=2)) as session,
        pytest.raises(TimedOut, match="within 2 s"),  # a page that hangs would hang for good
    ):
        session.infer(model.samples)
    assert gone(session.profile)


def kind(process) -> str:
    try:
        if process.name().startswith(("WebKit", "MiniBrowser")):
            return process.name()
        if "-contentproc" in process.cmdline():  # of Firefox, which says last what it is for
            return process.cmdline()[-1]
        return next((part for part in process.cmdline() if part.startswith("--type=")), "browser")
    except psutil.Error:
        return "gone"


def in_webkit(*values):
    return pytest.param("webkit-wasm", *values, marks=pytest.mark.needs("webkit"))


def in_firefox(*values):
    return pytest.param("firefox-wasm", *values, marks=pytest.mark.needs("firefox"))


@pytest.mark.parametrize(
    ("backend", "victim", "words"),
    [
        ("wasm", "--type=renderer", "the tab crashed"),
        ("wasm", "browser", "the browser died"),
        ("wasm", "worker", "SIGKILL"),
        ("wasm", "driver", "the browser died"),
        in_firefox("tab", "the tab (crashed|or the browser died)"),
        in_firefox("browser", "the tab or the browser died"),
        in_webkit("WebKitWebProcess", "the tab crashed"),
        in_webkit("MiniBrowser", "the browser died"),
        in_webkit("WebKitNetworkProcess", "lost its WebKitNetworkProcess"),
        in_webkit("worker", "SIGKILL"),
    ],
)
def test_whatever_is_killed_in_mid_case_is_a_crash(target, made, gone, backend, victim, words):
    model = made("cnn-float32")

    def kill() -> None:
        if victim == "worker":
            os.kill(session.child.pid, signal.SIGKILL)
            return
        if victim == "driver":
            for process in psutil.Process(session.child.pid).children():
                process.kill()
            return
        for process in browsers.processes(session.profile):
            if browsers.alive(process) and kind(process) == victim:
                process.kill()

    with target(backend).open(model.artifact, LIMITS) as session:
        timer = threading.Timer(0.5, kill)
        timer.start()
        # Were the end not noticed, this call would last as long as its plan, and end without an error or as a time-out.
        with pytest.raises(Crashed, match=words):
            session.time(model.samples, LONG)
        timer.join()
    assert gone(session.profile)


@pytest.mark.parametrize("name", ["group1-shard2of3.bin", "model.json"])
def test_a_flipped_byte_is_an_error_that_names_the_file(target, made, tmp_path, name):
    artifact = damaged(made, tmp_path, "cnn-float32")
    content = bytearray((artifact.directory / name).read_bytes())
    content[len(content) // 2] ^= 1
    (artifact.directory / name).write_bytes(content)
    with pytest.raises(Failed, match=f"{name} is not what was converted"), target("cpu").open(artifact, LIMITS):
        pass


def test_a_truncated_or_missing_shard_is_an_error_that_names_the_file(target, made, tmp_path):
    artifact = damaged(made, tmp_path, "cnn-float32")
    shard = artifact.directory / "group1-shard1of3.bin"
    shard.write_bytes(shard.read_bytes()[:-7])
    with (
        pytest.raises(Failed, match=r"group1-shard1of3.bin is 1017 bytes long and should be 1024"),
        target("cpu").open(artifact, LIMITS),
    ):
        pass
    shard.unlink()
    with pytest.raises(Failed, match=r"group1-shard1of3.bin is missing"), target("cpu").open(artifact, LIMITS):
        pass


def test_an_error_inside_the_case_ends_the_browser_too(target, made, gone):
    model = made("twins-float32")
    profiles = []

    def case() -> None:
        with target("cpu").open(model.artifact, LIMITS) as session:
            profiles.append(session.profile)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        case()
    assert gone(profiles[0])


def test_without_a_browser_the_target_says_so(target, made, monkeypatch):
    wasm = target("wasm")
    monkeypatch.setenv(browsers.CHROMIUM.variable, "no-such-browser")
    readiness = wasm.probe()
    assert not readiness.ready
    assert readiness.missing == "no-such-browser, which HARNESS_CHROMIUM names"
    assert readiness.install == install_line("chromium")
    with (
        pytest.raises(Unavailable, match=re.escape(install_line("chromium"))),
        wasm.open(made("twins-float32").artifact),
    ):
        pass


def test_a_browser_that_does_not_start_is_a_crash(target, made, monkeypatch):
    wasm = target("wasm")
    monkeypatch.setenv(browsers.CHROMIUM.variable, "false")
    with (
        pytest.raises(Crashed, match=r"false did not start"),
        wasm.open(made("twins-float32").artifact, SessionTimeouts(open_seconds=30)),
    ):
        pass


def test_without_npm_the_bundles_are_unavailable_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_ENVIRONMENTS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="install it with `install npm as your system has it`"):
        bundles.install()
    assert not bundles.installed()
    assert "npm" in bundles.missing()


def test_a_failed_installation_leaves_nothing(monkeypatch, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("npm", "node"):
        (tools / name).write_text("#!/bin/sh\necho 'npm error code EAI_AGAIN' >&2\nexit 1\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("HARNESS_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    with pytest.raises(Unavailable, match="EAI_AGAIN"):
        bundles.install()
    assert [path.suffix for path in (tmp_path / "environments").iterdir()] == [".lock"]


def test_installing_twice_does_nothing(target):
    target("cpu")
    before = (bundles.directory() / bundles.KERNELS_FILE).stat().st_mtime_ns
    assert bundles.install() == bundles.directory()
    assert (bundles.directory() / bundles.KERNELS_FILE).stat().st_mtime_ns == before
    assert np.all(
        [(bundles.directory() / name).is_file() for name in (bundles.CORE, bundles.LAYERS, *bundles.WASM_BINARIES)]
    )


def test_one_browser_serves_one_artifact_after_another(target, made):
    processes = set()
    for name in ("twins-float32", "cnn-float32", "twins-float32"):
        model = made(name)
        with target("cpu").open(model.artifact, LIMITS) as session:
            outputs = session.infer(model.samples)
            processes.add(session.child.pid)
        for output, values in model.reference.items():
            np.testing.assert_allclose(outputs[output], values, rtol=1e-4, atol=1e-4)
    assert len(processes) == 1


def test_a_page_that_was_refused_costs_the_next_artifact_nothing(target, made, tmp_path):
    artifact = damaged(made, tmp_path, "cnn-float32")
    (artifact.directory / "group1-shard1of3.bin").unlink()
    with pytest.raises(Failed), target("cpu").open(artifact, LIMITS):
        pass
    model = made("cnn-float32")
    with target("cpu").open(model.artifact, LIMITS) as session:
        assert set(session.infer(model.samples)) == set(model.reference)
