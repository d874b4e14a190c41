"""A fault repeated with nothing but a runtime's public package: what a target adds to a report for its authors."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import TimedOut

SHOWS, SHOWS_NOT = 1, 0
"""What a script ends with where the fault shows, and where it does not. Anything else says that it could not tell."""
SECONDS = 300.0
FACTS = "fault.json"
"""File beside the script, the model and its arrays. It holds what the script has to know."""


@dataclass(frozen=True)
class Repeated:
    """How a script ended, and what it said."""

    status: int
    text: str


@dataclass(frozen=True)
class Reproduction:
    """What repeats a fault on one runtime.

    `runtime_name`: the runtime as its own authors know it, with its version. `write(folder)` puts its files beside the
    model, the arrays and `fault.json`, which are there; `repeat(folder)` runs them as a stranger would. `packages`: the
    runtime's public packages with their versions. `instructions`: the lines that a reader types, or what he opens.
    `setting` goes into `fault.json`.
    """

    runtime_name: str
    write: Callable[[Path], None]
    repeat: Callable[[Path], Repeated]
    packages: Mapping[str, str]
    instructions: tuple[str, ...]
    setting: Mapping[str, Any] = field(default_factory=dict)
    reports_crash: bool = False
    """Whether its script says so where the runtime's process dies."""


def pip_line(packages: Mapping[str, str]) -> str:
    """The command that installs packages in just these versions."""
    return "pip install " + " ".join(f"{name}=={version}" for name, version in packages.items())


def run_script(python: Path, folder: Path, script: str) -> Repeated:
    """Run a script of `folder` by an environment's `python`, isolated: no variable, no folder of this program's is
    seen by it. Raises `TimedOut`."""
    try:
        done = subprocess.run(
            [str(python), "-I", script],
            cwd=folder,
            env={"PATH": os.defpath, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise TimedOut(f"The script that repeats the fault did not end within {SECONDS:g} s.") from error
    return Repeated(done.returncode, done.stdout)


SHARED_IMPORT = "from harness.bundle.compare import main\n"
"""Line of a script of this project. In a report the comparison lies beside the script."""
_IMPORT_BESIDE = """import sys
sys.path.insert(0, str(Path(__file__).resolve().parent))  # which `python -I` leaves out
from compare import main
"""


def standalone_script(script: Path) -> str:
    """The text of a script that compares by `harness.bundle.compare`, for a folder that has a copy of that file as
    `compare.py`."""
    text = script.read_text(encoding="utf-8")
    assert SHARED_IMPORT in text, f"{script.name} imports the comparison"
    return text.replace(SHARED_IMPORT, _IMPORT_BESIDE)


def write_scripts(script: Path) -> Callable[[Path], None]:
    """What writes `repeat.py` and the comparison that it needs into a folder."""

    def write(folder: Path) -> None:
        (folder / "repeat.py").write_text(standalone_script(script), encoding="utf-8")
        comparison = Path(__file__).with_name("bundle") / "compare.py"
        (folder / "compare.py").write_text(comparison.read_text(encoding="utf-8"), encoding="utf-8")

    return write
