"""Kills at random moments of a run over places (`killed_places.py`), fifty in all."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.sweep(0)  # minutes of processor; what follows from each kind of kill has a test in test_cluster.py
@pytest.mark.parametrize("seed", range(5))
def test_a_kill_at_a_random_moment_loses_nothing_and_leaves_nothing(seed):
    command = [sys.executable, "-m", "tests.benchmarks.killed_places", "10", str(seed)]
    done = subprocess.run(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "10 kills, 0 problems" in done.stdout
