"""`harness serve`: it ends at Ctrl-C, whatever is being made in the background."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.store.index.database import VARIABLE
from harness.store.runs import RunStore
from tests.harness.store.records import make_record

SERVING = """
import signal
import time
from harness.cli import serving
from harness.store.index.processes import in_processes

def prepare(interface):
    for _ in in_processes(1, "slept", time.sleep, [(0.0,), (3600.0,), (3600.0,)]):
        print("begun", flush=True)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to it
    serving._prepare = prepare
    serving.serve_dashboard(0)
"""


@pytest.mark.long
def test_it_ends_at_once_at_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").touch()
    RunStore(tmp_path / "results").write(make_record(0))
    process = subprocess.Popen(
        [sys.executable, "-c", SERVING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != VARIABLE},
    )
    try:
        assert process.stdout is not None
        while process.stdout.readline() != "begun\n":
            assert process.poll() is None, process.stderr and process.stderr.read()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
