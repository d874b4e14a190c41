"""A Python of a wanted version: the engine's own, one on PATH, or one that uv brings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.errors import Unavailable, shortened
from harness.installation.attempts import FailureMemory
from harness.installation.once import hold_lock, print_line
from harness.paths import environments_directory

MIRROR_VARIABLE = "UV_PYTHON_INSTALL_MIRROR"
HOW_TO_GET_PYTHON = f"install that Python, or name a mirror of uv's in {MIRROR_VARIABLE}"
_SETTINGS = (MIRROR_VARIABLE, "UV_PYTHON_DOWNLOADS_JSON_URL", "UV_PYTHON_DOWNLOADS", "UV_OFFLINE")


def own_version() -> str:
    """The engine's own, as `3.11`."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def installed_interpreter(version: str) -> Path | None:
    """An installed Python `version`: the one that the engine's own environment was made from, one on PATH, or one that
    uv brought before."""
    own = Path(sys.base_prefix) / "bin" / f"python{version}"
    found = shutil.which(f"python{version}")
    brought = sorted(managed_directory().glob(f"cpython-{version}.*/bin/python{version}"), key=_patch)
    for candidate in (own, Path(found) if found else None, *reversed(brought)):
        if candidate is not None and candidate.is_file() and _is_version(candidate, version):
            return candidate
    return None


def ensure_python(version: str, acceptable: Sequence[str], wanted_by: str, otherwise_unavailable: str) -> Path:
    """Same as `installed_interpreter`, but uv downloads an interpreter if none is installed.

    `acceptable` are all versions that would do, `wanted_by` names the environment, `otherwise_unavailable` what cannot
    be had without it.
    Raises `Unavailable`.
    """
    found = installed_interpreter(version)
    if found is not None:
        return found
    reason = _bring(version, wanted_by)
    found = installed_interpreter(version) if not reason else None
    if found is None:
        problem = reason or "what it brought does not start"
        raise Unavailable(
            f"{wanted_by[0].upper()}{wanted_by[1:]} needs Python {' or '.join(acceptable)}, which is not on PATH, and "
            f"uv could not bring it ({problem}), so unavailable: {otherwise_unavailable}; install Python {version} or "
            f"name a mirror in {MIRROR_VARIABLE}, then run the same command again."
        )
    return found


def known_failure(version: str) -> str | None:
    """Why uv could not bring Python `version` within the hour; None where it is to be tried."""
    return _attempt(version).failure()


def managed_directory() -> Path:
    """Where uv puts what it brings: beside the environments, not among the user's own."""
    return environments_directory() / "pythons"


def find_uv() -> str:
    """The program. Raises `Unavailable`."""
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise Unavailable("uv, which installs environments, is not there; install it with `pip install uv`.")
    return found


def uv_reason(output: str) -> str:
    """What uv has to say, in one line and without its drawing. Of a chain of causes it is the first and the last: what
    lies between repeats them."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).strip(" \t│├─▶╰×") for line in output.splitlines()]
    said = [line for line in lines if line and not line.startswith(("Resolved", "Prepared", "Using", "Downloading"))]
    error = next((index for index, line in enumerate(said) if line.startswith("error")), 0)
    said = said[error:]  # what it warned of before is not why it failed
    causes = [index for index, line in enumerate(said) if line.startswith("cause: ")]
    if len(causes) > 1:
        said = [*said[: causes[0]], *said[causes[-1] :]]
    text = " ".join(said).replace(" cause: ", ": ").rstrip(".")
    # What failed is named first, why it failed last.
    both_ends = text if len(text) <= 400 else f"{shortened(text, 240)} {text[-160:]}"
    return f"uv: {both_ends}" if text else "uv gave no reason"


def _attempt(version: str) -> FailureMemory:
    return FailureMemory(f"python-{version}", _SETTINGS)


def _bring(version: str, wanted_by: str) -> str:
    """Why uv could not bring Python `version`; empty where it did."""
    attempt = _attempt(version)
    folder = managed_directory()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with hold_lock(folder / f"python-{version}.lock", f"Python {version}") as lock:
            if installed_interpreter(version) is not None:  # the one who held the lock before has brought it
                return ""
            if known := attempt.failure():
                return known
            if os.environ.get("UV_PYTHON_DOWNLOADS") == "never":
                return "UV_PYTHON_DOWNLOADS=never forbids it"
            source = os.environ.get(MIRROR_VARIABLE) or "its releases on GitHub"
            print_line(f"Bringing Python {version} for {wanted_by}: uv fetches it from {source} into {folder} …")
            # A default, which the user's own settings override: three retries take 12 s where there is no network.
            variables = {"UV_HTTP_RETRIES": "1", **os.environ, "UV_PYTHON_INSTALL_DIR": str(folder)}
            done = subprocess.run(
                [find_uv(), "python", "install", "--no-bin", version],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                pass_fds=(lock,),
                check=False,
            )
            if done.returncode == 0:
                attempt.forget_failure()
                return ""
            reason = uv_reason(done.stderr)
            attempt.failed(reason)
            return attempt.failure() or reason  # what others who wait for it are told: one reason in the tables
    except OSError as error:
        return f"{folder} cannot be written: {error.strerror}"


def _patch(path: Path) -> int:
    found = re.match(r"cpython-\d+\.\d+\.(\d+)", path.parents[1].name)
    return int(found.group(1)) if found else -1


def _is_version(python: Path, version: str) -> bool:
    """Version managers put launchers on PATH for versions that they then refuse to start: ask."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        asked = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and asked.stdout.strip() == version
