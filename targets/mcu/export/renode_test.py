"""Running a suite with Renode's own `renode-test`, which needs Python packages that Renode does not bring."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.environment import environment
from harness.errors import Unavailable

from ..emulator.renode import find_renode


def renode_test_program() -> Path:
    """`renode-test` beside Renode. Raises `Unavailable`."""
    renode = find_renode()
    for program in (renode.with_name("renode-test"), renode.resolve().with_name("renode-test")):
        if program.is_file():
            return program
    raise Unavailable(f"There is no renode-test beside {renode}: take Renode's portable release.")


def renode_test_variables() -> dict[str, str]:
    """The environment variables under which it finds its packages: it starts the `python3` that is first on PATH.
    Installs the packages on first use. Raises `Unavailable`."""
    commands = environment("renode-test").python().parent
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    return {**kept, "PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def renode_test(arguments: Sequence[str]) -> int:
    """Run it on `arguments`; returns its exit code. Raises `Unavailable`."""
    return subprocess.run([renode_test_program(), *arguments], env=renode_test_variables(), check=False).returncode
