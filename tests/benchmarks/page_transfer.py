"""How fast tensors travel into a page and out of it, and what memory that takes.

    .venv/bin/python -m tests.benchmarks.page_transfer [TARGET, tfjs/chromium-wasm if not given]

The model hands a part of its input through, so that next to all of the time is travel: 128 images of 385 by 385 in
(posenet's input: 227 MB), 37 MB out. Memory is the sum of the resident sets of the harness and the browser,
looked at twenty times a second: pages that processes share count in each.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

from harness import registry
from harness.artifact import Artifact, FileHash, TensorInfo
from harness.conversion.golden import first_samples
from tests.harness.fakes.artifact import made_artifact

SAMPLES, SIDE, KEPT = 128, 385, 156
MEGABYTE = 1e6


def write_model(folder: Path) -> Artifact:
    """A graph model that gives the upper left corner of an image."""
    weights = np.array([0, 0, 0, 0, 1, KEPT, KEPT, 3], np.int32)
    (folder / "weights.bin").write_bytes(weights.tobytes())
    begin, size = ({"name": name, "shape": [4], "dtype": "int32"} for name in ("begin", "size"))
    dimensions = [{"size": str(size)} for size in (1, SIDE, SIDE, 3)]
    shape = {"shape": {"dim": dimensions}}
    constants = [{"name": name, "op": "Const", "attr": {"dtype": {"type": "DT_INT32"}}} for name in ("begin", "size")]
    nodes = [
        {"name": "x", "op": "Placeholder", "attr": {"dtype": {"type": "DT_FLOAT"}, "shape": shape}},
        *constants,
        {"name": "y", "op": "Slice", "input": ["x", "begin", "size"], "attr": {"T": {"type": "DT_FLOAT"}}},
    ]
    model = {
        "format": "graph-model",
        "modelTopology": {"node": nodes, "versions": {}},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": [begin, size]}],
    }
    (folder / "model.json").write_text(json.dumps(model), "utf-8")
    files = tuple(
        FileHash(path=file.name, bytes=file.stat().st_size, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
        for file in sorted(folder.iterdir())
    )
    return made_artifact(
        model="corner",
        format="tfjs",
        variant="float32",
        entry="model.json",
        files=files,
        inputs=(TensorInfo(name="x", tensor="x", index=0, shape=(1, SIDE, SIDE, 3), dtype="float32"),),
        outputs=(TensorInfo(name="y", tensor="y", index=0, shape=(1, KEPT, KEPT, 3), dtype="float32"),),
        operators={"Slice": 1},
        directory=folder,
    )


class Watch:
    """Of this process and all below it: the highest sum of their resident sets in bytes, and the seconds of processor
    that they took."""

    def __init__(self) -> None:
        self.before = self.highest = _resident_bytes()
        self.seconds = -_processor_seconds()
        self._ended = threading.Event()

    def __enter__(self) -> Watch:
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.seconds += _processor_seconds()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            self.highest = max(self.highest, _resident_bytes())


def _processes() -> list[psutil.Process]:
    here = psutil.Process()
    return [here, *here.children(recursive=True)]


def _resident_bytes() -> int:
    found = 0
    for process in _processes():
        with suppress(psutil.Error):
            found += process.memory_info().rss
    return found


def _processor_seconds() -> float:
    found = 0.0
    for process in _processes():
        with suppress(psutil.Error):
            found += sum(process.cpu_times()[:2])
    return found


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "tfjs/chromium-wasm"
    target = registry.targets()[name]
    target.prepare()
    samples = {"x": np.random.default_rng(0).random((SAMPLES, 1, SIDE, SIDE, 3), np.float32)}
    with tempfile.TemporaryDirectory() as folder:
        artifact = write_model(Path(folder))
        with target.open(artifact) as session:
            session.infer(first_samples(samples, 1))
            with Watch() as watch:
                begun = time.monotonic()
                (corner,) = session.infer(samples).values()
                seconds = time.monotonic() - begun
    assert np.array_equal(corner, samples["x"][:, :, :KEPT, :KEPT]), "the page gave other values back"
    inside, outside = samples["x"].nbytes / MEGABYTE, corner.nbytes / MEGABYTE
    moved, grown = inside + outside, (watch.highest - watch.before) / MEGABYTE
    print(
        f"{name}: {inside:.0f} MB in, {outside:.0f} MB out, {seconds:.2f} s: {moved / seconds:.0f} MB/s; "
        f"{watch.seconds:.1f} s of processor; {grown:.0f} MB more memory, {grown / moved:.1f} times the tensors"
    )


if __name__ == "__main__":
    main()
