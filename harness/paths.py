"""Where things live: the project, its cache, its environments and its results. Nothing here creates a folder."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

PROJECT_FILE = "harness.toml"
CACHE_VARIABLE = "HARNESS_CACHE"
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
    """Everything that can be made again: artifacts, environments, bundles. `HARNESS_CACHE` moves it."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser().resolve() if named else project_root() / ".harness"


def environments_directory() -> Path:
    """The environments of converters and runtimes. `HARNESS_ENVIRONMENTS` moves them, so that projects can share."""
    named = os.environ.get(ENVIRONMENTS_VARIABLE)
    return Path(named).expanduser().resolve() if named else cache_directory() / "environments"


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
    try:
        project = tomllib.loads((directory / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False  # somebody else's file, or none: not ours to judge
    return isinstance(project, dict) and project.get("name") == _OWN_NAME
