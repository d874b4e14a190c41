"""How often a slowdown is found, and how often one is found that is not there. Run by hand, on the machine in question:

    python -m pytest tests/benchmarks/test_detection.py --benchmark-only -s

The whole rule runs in each trial (interleaved blocks, two-level bootstrap, confirmation in fresh processes) on a real
model in LiteRT, one side of which does more work. Sizes and circumstances by environment variables:

- `HARNESS_DETECTION_TRIALS`: share to number, as `0:200,0.02:100,0.05:100,0.10:100` (0 is A/A)
- `HARNESS_DETECTION_MODEL`: a .tflite with float32 inputs (a zoo model, keyword_dscnn, unless named)
- `HARNESS_DETECTION_HOGS`: processes that keep the processor busy meanwhile
- `HARNESS_DETECTION_SEED`, and `HARNESS_DETECTION_OUT`: a file to which each trial is appended as a line of JSON
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from harness.ab.block_plan import BlockPlan
from harness.ab.compare import compare_sides
from harness.ab.side import Side
from harness.artifact import TensorInfo
from harness.environment import environment
from harness.process.child import ChildProcess
from harness.target import DEFAULT_LIMITS, Loaded
from harness_targets.tflite.load_request import PACKAGES, load_request
from harness_targets.tflite.target import TFLiteSession, TFLiteTarget
from tests.benchmarks.slowed_worker import EXTRA_VARIABLE
from tests.harness.fakes.artifact import made_artifact

pytestmark = pytest.mark.needs("converter", "litert")
WORKER = Path(__file__).with_name("slowed_worker.py")
TRIALS = os.environ.get("HARNESS_DETECTION_TRIALS", "0:200,0.02:100,0.05:100,0.10:100")
SEED = int(os.environ.get("HARNESS_DETECTION_SEED", "1"))
HOGS = int(os.environ.get("HARNESS_DETECTION_HOGS", "0"))
OUT = os.environ.get("HARNESS_DETECTION_OUT")


class SlowedTarget(TFLiteTarget):
    """LiteRT with XNNPACK whose every invocation does `extra` steps of work more."""

    def __init__(self, extra=0):
        super().__init__("tflite/litert-xnnpack", "litert", "AUTO", environment("litert"), ("float32",), 1)
        self.extra = extra

    def fingerprint(self):
        return {**super().fingerprint(), "extra": str(self.extra)}

    @contextmanager
    def open(self, artifact, limits=DEFAULT_LIMITS):
        with ChildProcess(
            self.name,
            self.environment.python(),
            WORKER,
            packages=PACKAGES,
            environment={EXTRA_VARIABLE: str(self.extra)},
        ) as child:
            request = load_request(artifact, "litert", "AUTO", 1)
            said, _ = child.call("load", seconds=60, **request)
            loaded = Loaded({artifact.entry: said["sha256"]}, tuple(said["inputs"]))
            yield TFLiteSession(child, artifact, request, limits, loaded)


def artifact_of(path):
    """An artifact of a .tflite, without a converter: signature and nothing else."""
    import tflite

    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    kinds = {tflite.TensorType.FLOAT32: "float32", tflite.TensorType.INT8: "int8"}

    def info(number, place):
        tensor = graph.Tensors(number)
        shape = tuple(int(length) for length in tensor.ShapeAsNumpy())
        return TensorInfo(name=f"t{place}", tensor="", index=place, shape=shape, dtype=kinds[tensor.Type()])

    return made_artifact(
        model=path.stem,
        format="tflite",
        variant="float32",
        key="key",
        digest="digest",
        entry=path.name,
        inputs=tuple(info(graph.Inputs(i), i) for i in range(graph.InputsLength())),
        outputs=tuple(info(graph.Outputs(i), i) for i in range(graph.OutputsLength())),
        directory=path.parent,
    )


@pytest.fixture
def artifact(tmp_path):
    named = os.environ.get("HARNESS_DETECTION_MODEL")
    if named:
        return artifact_of(Path(named))
    from harness import registry
    from harness.cache import Cache
    from harness.conversion.converter import Converter
    from harness.paths import cache_directory
    from harness.project import model_entries

    form = registry.formats()["tflite"]
    converter = Converter(Cache(cache_directory() / "artifacts"), environment("converter"), 1)
    try:
        prepared = converter.prepare(model_entries(tmp_path)["keyword_dscnn"])
        return converter.convert(prepared, form, form.variant("float32"))
    finally:
        converter.close()


def steps_for(artifact, share):
    """How many steps are that share of an invocation: both at their least, over several processes."""
    model, step = [], []
    for _ in range(3):
        with SlowedTarget().open(artifact) as session:
            samples = Side("", SlowedTarget(), artifact).stored({})
            from harness.target import TimingPlan

            model.append(int(session.time(samples, TimingPlan(300, 0.2, 3000, 5.0)).samples_ns.min()))
            step.append(session.child.call("calibrate", seconds=60, steps=1000)[0]["least_ns"] / 1000)
    return round(share * min(model) / min(step)), min(model)


@contextmanager
def hogs(count):
    program = "while True: sum(range(10000))"
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def binomial_interval(found, trials, confidence=0.95):
    """Clopper and Pearson's exact interval of a share."""
    from scipy.stats import beta

    tail = (1.0 - confidence) / 2.0
    low = beta.ppf(tail, found, trials - found + 1) if found else 0.0
    high = beta.ppf(1.0 - tail, found + 1, trials - found) if found < trials else 1.0
    return float(low), float(high)


def report(results, seconds):
    for share, verdicts in sorted(results.items()):
        trials, slower = sum(verdicts.values()), verdicts["slower"]
        low, high = binomial_interval(slower, trials)
        print(
            f"+{share:.0%}: slower in {slower} of {trials} = {slower / trials:.1%} "
            f"(95 % interval {low:.1%} to {high:.1%}); {dict(verdicts)}; "
            f"a verdict in {np.median(seconds[share]):.1f} s, at most {max(seconds[share]):.1f} s"
        )


@pytest.mark.timeout(0)  # hundreds of trials of some seconds each
def test_detection_and_false_alarms(benchmark, artifact):
    wanted = {float(share): int(number) for share, number in (part.split(":") for part in TRIALS.split(","))}
    order = [share for share, number in wanted.items() for _ in range(number)]
    random.Random(SEED).shuffle(order)
    extra = {share: steps_for(artifact, share)[0] for share in wanted}
    model_ns = steps_for(artifact, 0)[1]
    print(f"\n{artifact.model}: {model_ns / 1e3:.1f} µs at the least; steps of work added: {extra}; hogs {HOGS}")
    results, seconds = {share: Counter() for share in wanted}, {share: [] for share in wanted}

    def all_trials():
        with hogs(HOGS):
            for number, share in enumerate(order):
                old, new = Side("old", SlowedTarget(), artifact), Side("new", SlowedTarget(extra[share]), artifact)
                begun = time.monotonic()
                finding = compare_sides(old, new, {}, BlockPlan(seed=SEED * 100_000 + number))
                seconds[share].append(time.monotonic() - begun)
                results[share][finding.verdict] += 1
                line = {
                    "share": share,
                    "verdict": finding.verdict,
                    "first": [finding.first.verdict, finding.first.ratio, finding.first.low, finding.first.high],
                    "rounds": len(finding.rounds),
                    "seconds": round(seconds[share][-1], 2),
                    "load": os.getloadavg()[0],
                }
                if OUT:
                    with Path(OUT).open("a") as stream:
                        stream.write(json.dumps(line) + "\n")

    benchmark.pedantic(all_trials, rounds=1, iterations=1)
    report(results, seconds)
    assert sum(sum(verdicts.values()) for verdicts in results.values()) == len(order)
