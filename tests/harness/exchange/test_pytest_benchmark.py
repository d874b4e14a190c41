"""pytest-benchmark's own command reads the exported latencies."""

import json
import subprocess
import sys

import numpy as np
import pytest

from harness.exchange.pytest_benchmark import pytest_benchmark_json, statistics
from tests.harness.gate.made_up import case, latency, run


def test_the_figures_are_seconds_of_the_steady_part():
    (found,) = json.loads(pytest_benchmark_json(run(case(latency=latency(2_000_000)))))["benchmarks"]
    assert found["name"] == "model/float32/tflite/one"
    assert found["stats"]["median"] == pytest.approx(0.002, rel=1e-3)
    assert found["extra_info"]["steady_state"] == "flat"


def test_cases_without_a_latency_are_left_out():
    assert json.loads(pytest_benchmark_json(run(case())))["benchmarks"] == []


def test_statistics_of_plain_numbers():
    found = statistics(np.array([1.0, 2.0, 3.0, 4.0, 100.0]))
    assert (found["min"], found["median"], found["max"], found["rounds"]) == (1.0, 3.0, 100.0, 5)
    assert (found["hd15iqr"], found["iqr_outliers"]) == (4.0, 1)


def test_pytest_benchmark_compares_two_exports(tmp_path):
    for name, median in (("before", 1_000_000), ("after", 2_000_000)):
        (tmp_path / f"{name}.json").write_text(pytest_benchmark_json(run(case(latency=latency(median)))))
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", "before.json", "after.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "model/float32/tflite/one" in done.stdout
