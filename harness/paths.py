"""Where things live: the project, its cache, its environments and its results. Nothing here creates a folder."""

from __future__ import annotations

import functools
import os
import sys
import tomllib
from pathlib import Path

from harness.errors import HarnessError

PROJECT_FILE = "harness.toml"
CACHE_VARIABLE = "HARNESS_CACHE"
HOME_VARIABLE = "HARNESS_HOME"
ENVIRONMENTS_VARIABLE = "HARNESS_ENVIRONMENTS"

_OWN_NAME = "ml-runtime-harness"


def project_root(start: Path | None = None) -> Path:
    """The nearest directory, from `start` (the current one if not given) upwards, that holds `harness.toml` or this
    project's own `pyproject.toml`; `start` itself where there is none."""
    origin = (start or Path.cwd()).resolve()
    for directory in (origin, *origin.parents):
        if (directory / PROJECT_FILE).is_file() or _is_own_checkout(directory):
            return directory
    return origin


def cache_directory() -> Path:
    """What a project can make again: artifacts, measurements, firmware. `HARNESS_CACHE` moves it."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser().resolve() if named else project_root() / ".harness"


def home_directory() -> Path:
    """What all projects of a user share. `HARNESS_HOME` moves it; else it is in the user's folder for caches, as the
    XDG Base Directory Specification (where a relative path does not count) and macOS have it."""
    if named := os.environ.get(HOME_VARIABLE):
        return Path(named).expanduser().resolve()
    named = os.environ.get("XDG_CACHE_HOME", "")
    if named.startswith("/"):
        return Path(named).resolve() / _OWN_NAME
    try:
        home = Path.home()
    except RuntimeError as error:
        raise HarnessError(f"You have no home folder: name a folder in {HOME_VARIABLE}.") from error
    caches = home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
    return caches / _OWN_NAME


def environments_directory() -> Path:
    """All that is installed: environments of converters and runtimes, the Pythons that uv brought for them, browser
    bundles, Renode. `HARNESS_ENVIRONMENTS` moves it."""
    named = os.environ.get(ENVIRONMENTS_VARIABLE)
    return Path(named).expanduser().resolve() if named else home_directory() / "environments"


def results_directory() -> Path:
    """Run records, baselines, the index and dashboards."""
    return project_root() / "results"


def place_in_repository(root: Path) -> str:
    """Where the project is in its git repository, as `apps/phone`; empty at the top, and where there is no git."""
    import subprocess  # not at every start of the command

    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--show-prefix"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().rstrip("/")


def _is_own_checkout(directory: Path) -> bool:
    file = directory / "pyproject.toml"
    try:
        return _names_us(file, file.stat().st_mtime_ns)
    except OSError:
        return False


@functools.lru_cache(maxsize=64)
def _names_us(file: Path, _modified: int) -> bool:
    """Whether it is this project's, read once for each state of the file: every target asks several times."""
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False  # somebody else's file, or none: not ours to judge
    return isinstance(project, dict) and project.get("name") == _OWN_NAME
