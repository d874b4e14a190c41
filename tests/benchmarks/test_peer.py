"""Latency beside `litert-benchmark`, which ships with ai-edge-litert: the same file, one thread, in turns.

    .venv/bin/python -m pytest tests/benchmarks/test_peer.py --benchmark-only -s

Prints both medians and their ratio, pair by pair and in all. Nothing is asserted of the ratio: a shared machine can
favour either side of a pair; the goal is within 5 %. The peer rounds its median to 10 µs, so the model is one that
takes milliseconds: MobileNetV1 1.0 at 128×128 with seeded weights, made here.
"""

import json
import statistics
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness.artifact import TensorInfo
from harness.latency.statistics import summarise
from harness.target import TimingPlan
from harness_targets.tflite.target import targets
from tests.harness.fakes.artifact import made_artifact

PAIRS = 7
RUNS = 200
SHAPE = (1, 128, 128, 3)
MAKE = """
import sys, keras, tensorflow as tf
keras.utils.set_random_seed(1)
model = keras.applications.MobileNet(input_shape=(128, 128, 3), weights=None, classes=10)
model.export(sys.argv[1] + "/saved", input_signature=[tf.TensorSpec((1, 128, 128, 3))], verbose=False)
content = tf.lite.TFLiteConverter.from_saved_model(sys.argv[1] + "/saved").convert()
open(sys.argv[1] + "/mobilenet.tflite", "wb").write(content)
"""


@pytest.fixture(scope="module")
def model(converter_python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("peer")
    subprocess.run([str(converter_python), "-c", MAKE, str(folder)], check=True, capture_output=True, timeout=300)
    return folder / "mobilenet.tflite"


def artifact(path):
    return made_artifact(
        model=path.stem,
        format="tflite",
        variant="ready",
        entry=path.name,
        inputs=(TensorInfo(name="in", tensor="", index=0, shape=SHAPE, dtype="float32"),),
        outputs=(TensorInfo(name="out", tensor="", index=0, shape=(1, 10), dtype="float32"),),
        directory=path.parent,
    )


def peer_median_ms(python, path, result):
    """Median latency as `litert-benchmark` tells it, in milliseconds."""
    command = [python, python.parent / "litert-benchmark", "--model", path, "--num_runs", str(RUNS)]
    command += ["--warmup_runs", "200", "--num_threads", "1", "--result_json", result]
    subprocess.run([str(part) for part in command], check=True, capture_output=True, timeout=120)
    return median_of(json.loads(Path(result).read_text()))


def median_of(report):
    """The median in milliseconds from the peer's report."""
    return report["latency"]["median_ms"]


def own_median_ms(path):
    """Median latency as the harness measures it, in milliseconds."""
    target = next(target for target in targets() if target.name == "tflite/litert-xnnpack")
    samples = {"in": np.zeros((1, *SHAPE), np.float32)}
    plan = TimingPlan(min_iterations=RUNS, max_iterations=RUNS, min_seconds=0, max_seconds=60)
    with target.open(artifact(path)) as session:
        return summarise(session.time(samples, plan), None).median_ms


def test_the_median_beside_the_peer(benchmark, model, litert_python, tmp_path, capsys):
    pairs = []
    for _ in range(PAIRS):
        peer = peer_median_ms(Path(litert_python), model, tmp_path / "result.json")
        pairs.append((own_median_ms(model), peer))
    with capsys.disabled():
        for own, peer in pairs:
            print(f"\nharness {own:.3f} ms, litert-benchmark {peer:.2f} ms: ratio {own / peer:.3f}", end="")
        print(f"\nmedian of the ratios: {statistics.median(own / peer for own, peer in pairs):.3f}")
    benchmark.pedantic(own_median_ms, args=(model,), rounds=1)
