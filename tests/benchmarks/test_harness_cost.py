"""What the harness itself costs: a session's overhead, tensors to and from a page, a small matrix cold and warm.

.venv/bin/python -m pytest tests/benchmarks/test_harness_cost.py --benchmark-only
"""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from harness.process.child import ChildProcess
from tests.harness.fakes.target import WORKER

MATRIX = ("run", "--model", "hello_world", "--target", "tflite/litert-*", "--variant", "float32", "--variant", "int8")


@pytest.fixture
def child():
    with ChildProcess("the fake", sys.executable, WORKER) as child:
        child.call("load", seconds=20, script={}, samples_ns=[1])
        yield child


@pytest.mark.parametrize("elements", [1, 1_000, 100_000, 2_600_000], ids=["4 B", "4 kB", "400 kB", "10.4 MB"])
def test_round_trip_of_a_tensor_to_a_child(benchmark, child, elements):
    samples = {"x": np.zeros((1, elements), np.float32)}
    benchmark(lambda: child.call("infer", samples, seconds=60))


def test_start_and_end_of_a_child(benchmark):
    def once():
        with ChildProcess("the fake", sys.executable, WORKER):
            pass

    benchmark.pedantic(once, rounds=10)


@pytest.fixture
def project(tmp_path, converter_python, litert_python):
    (tmp_path / "harness.toml").touch()
    return tmp_path


def run(project):
    command = [sys.executable, "-m", "harness.cli.main", *MATRIX]
    environment = {**os.environ, "HARNESS_CACHE": str(project / "cache")}
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=600, env=environment)


def test_a_small_matrix_cold(benchmark, project):
    """One model, two variants, three interpreters; environments installed, nothing converted or measured."""
    benchmark.pedantic(
        run, args=(project,), setup=lambda: shutil.rmtree(project / "cache", ignore_errors=True), rounds=2
    )


def test_a_small_matrix_warm(benchmark, project):
    """The same again: everything is known."""
    run(project)
    benchmark.pedantic(run, args=(project,), rounds=3)
