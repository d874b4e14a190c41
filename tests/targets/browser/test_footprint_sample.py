"""The footprint is taken on the first sample that was run: a graph may not take zeros (a loop of zero turns)."""

from pathlib import Path

import numpy as np

from harness.target import DEFAULT_LIMITS, Loaded
from harness_targets.browser.session import BrowserSession
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry


class RecordingChild:
    """Answers every call with what the footprint needs, and keeps what it was given."""

    what = "tfjs/fake"

    def __init__(self):
        self.calls = {}

    def call(self, operation, tensors=None, **_):
        self.calls[operation] = tensors
        return {"figures": {}, "details": {}}, {"y": np.zeros((3, 1, 4), np.float32)}


def test_it_is_the_first_of_the_samples_that_were_run(tmp_path):
    converter = FakeConverter(tmp_path)
    artifact = converter.convert(converter.prepare(entry()), FAKE_FORMAT, FAKE_FORMAT.variant("float32"))
    child = RecordingChild()
    session = BrowserSession(child, artifact, DEFAULT_LIMITS, Path("profile"), "1", Loaded({}, ()))
    session.footprint()
    assert child.calls["footprint"]["x"].shape == (1, 1, 4)
    samples = np.arange(12, dtype=np.float32).reshape(3, 1, 4) + 1
    session.infer({"x": samples})
    session.footprint()
    assert np.array_equal(child.calls["footprint"]["x"], samples[:1])
