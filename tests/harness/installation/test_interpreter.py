"""A Python that an environment needs comes from PATH, else from uv, and else costs what needs it and nothing more."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from harness.environment import Environment
from harness.errors import Unavailable
from harness.installation import interpreter as module
from harness.installation.interpreter import ensure_python, installed_interpreter, known_failure, managed_directory


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and a PATH with nothing but a shell's commands."""
    monkeypatch.setenv("HARNESS_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    settings = ("UV_PYTHON_INSTALL_MIRROR", "UV_PYTHON_DOWNLOADS_JSON_URL", "UV_PYTHON_DOWNLOADS", "UV_HTTP_RETRIES")
    for name in settings:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bin").mkdir()
    return tmp_path


class FakeUv:
    """Stands for uv: lays a `python3.4` where it is told to, or fails; keeps how it was called."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = folder / "calls"
        self.program = folder / "fake-uv"
        monkeypatch.setattr(module, "find_uv", lambda: str(self.program))

    def does(self, body: str) -> None:
        self.program.write_text(f'#!/bin/sh\necho "$@" "$UV_PYTHON_INSTALL_MIRROR" >>"{self.calls}"\n{body}\n')
        self.program.chmod(0o755)

    def brings(self) -> None:
        place = '"$UV_PYTHON_INSTALL_DIR/cpython-3.4.10-linux/bin"'
        self.does(f"mkdir -p {place}; printf '#!/bin/sh\\necho 3.4\\n' >{place}/python3.4; chmod 755 {place}/python3.4")

    def fails(self, text: str = "error: Failed to install\n  cause: Request failed\n  cause: dns error") -> None:
        self.does(f"printf '{text}\\n' >&2; exit 2")

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    return FakeUv(tmp_path, monkeypatch)


def ask() -> Path:
    return ensure_python("3.4", ("3.4", "3.5"), "the environment `old`", "the target some/old")


def python_on_path(folder: Path) -> Path:
    program = folder / "bin" / "python3.4"
    program.write_text("#!/bin/sh\necho 3.4\n")
    program.chmod(0o755)
    return program


def test_one_on_path_is_taken_and_uv_is_not_asked(machine: Path, uv: FakeUv) -> None:
    program = python_on_path(machine)
    assert ask() == program
    assert not uv.called()


def test_uv_brings_it_beside_the_environments_and_that_is_said_before(
    machine: Path, uv: FakeUv, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    uv.brings()
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", "file:///some/mirror")
    found = ask()
    assert found == machine / "environments" / "pythons" / "cpython-3.4.10-linux" / "bin" / "python3.4"
    assert uv.called() == ["python install --no-bin 3.4 file:///some/mirror"]
    assert capfd.readouterr().err == (
        "Bringing Python 3.4 for the environment `old`: uv fetches it from file:///some/mirror into"
        f" {managed_directory()} …\n"
    )
    assert ask() == found
    assert len(uv.called()) == 1


def test_where_it_cannot_be_had_one_sentence_names_what_that_costs(uv: FakeUv) -> None:
    uv.fails()
    with pytest.raises(Unavailable) as caught:
        ask()
    begun, ended = (
        "The environment `old` needs Python 3.4 or 3.5, which is not on PATH, and uv could not bring it (uv: error:"
        " Failed to install: dns error; not tried again before ",
        "), so unavailable: the target some/old; install Python 3.4 or name a mirror in UV_PYTHON_INSTALL_MIRROR, then"
        " run the same command again.",
    )
    assert str(caught.value).startswith(begun)
    assert str(caught.value).endswith(ended)


def test_every_case_that_it_costs_is_told_the_same(uv: FakeUv) -> None:
    uv.fails()
    reasons = set()
    for _ in range(3):
        with pytest.raises(Unavailable) as caught:
            ask()
        reasons.add(str(caught.value))
    assert len(reasons) == 1


def test_what_failed_is_not_tried_again_within_the_hour(uv: FakeUv, capfd: pytest.CaptureFixture[str]) -> None:
    uv.fails()
    for _ in range(3):
        with pytest.raises(Unavailable, match="dns error"):
            ask()
    assert len(uv.called()) == 1
    assert capfd.readouterr().err.count("Bringing Python") == 1
    assert "not tried again before" in (known_failure("3.4") or "")
    (kept,) = managed_directory().parent.glob("*.failed")
    hour_ago = time.time() - 3601
    os.utime(kept, (hour_ago, hour_ago))
    uv.brings()
    assert ask().is_file()
    assert not list(managed_directory().parent.glob("*.failed"))


def test_another_mirror_is_tried_at_once(uv: FakeUv, monkeypatch: pytest.MonkeyPatch) -> None:
    uv.fails()
    with pytest.raises(Unavailable):
        ask()
    uv.brings()
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", "file:///some/mirror")
    assert ask().is_file()


def test_a_python_that_appears_on_path_is_taken_within_the_hour(machine: Path, uv: FakeUv) -> None:
    uv.fails()
    with pytest.raises(Unavailable):
        ask()
    program = python_on_path(machine)
    assert ask() == program


def test_who_forbids_downloads_is_not_asked_again(uv: FakeUv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    with pytest.raises(Unavailable, match="UV_PYTHON_DOWNLOADS=never forbids it"):
        ask()
    assert not uv.called()


def test_a_launcher_that_refuses_to_start_is_no_interpreter(machine: Path) -> None:
    launcher = machine / "bin" / "python3.4"
    launcher.write_text("#!/bin/sh\necho 'python3.4: command not found' >&2\nexit 127\n")
    launcher.chmod(0o755)
    assert installed_interpreter("3.4") is None


def test_an_environment_knows_what_it_lacks_once_that_was_seen(uv: FakeUv) -> None:
    old = Environment.from_pins("old", ["mdurl==0.1.2"], python_versions=["3.4"])
    assert old.lacking() == ""
    uv.fails()
    with pytest.raises(Unavailable, match=r"The environment `old` needs Python 3\.4, which is not on PATH"):
        old.python()
    assert old.lacking().startswith("Python 3.4 (uv: error: Failed to install: dns error; not tried again before")


def test_the_reason_is_the_error_and_not_what_was_warned_of_before() -> None:
    output = """warning: Failed to hardlink files; falling back to full copy. This may lead to degraded performance.
         If this is intentional, set `export UV_LINK_MODE=copy` to suppress this warning.
error: Failed to install: small-1.0.whl
  cause: failed to copy file
  cause: No space left on device (os error 28)
"""
    assert module.uv_reason(output) == (
        "uv: error: Failed to install: small-1.0.whl: No space left on device (os error 28)"
    )
    assert module.uv_reason("") == "uv gave no reason"


def test_real_uv_names_its_reason_for_a_mirror_that_holds_nothing(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked of the network: the mirror is an empty folder."""
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", f"file://{machine}")
    monkeypatch.setattr(module, "installed_interpreter", lambda version: None)
    with pytest.raises(Unavailable, match=r"uv could not bring it \(uv: .*No such file") as caught:
        ensure_python("3.11", ("3.11",), "the environment `old`", "nothing")
    assert "\n" not in str(caught.value)
    assert subprocess.run(["ls", "-A", str(managed_directory())], capture_output=True, check=True).returncode == 0
