"""The reference interpreter is given as many samples as fit the budget; the slowest kernels are its."""

import numpy as np
import pytest

from harness.conversion import worker


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(worker, "time", clock)
    return clock


def reference(clock: Clock, seconds: float):
    def infer(samples):
        clock.now += seconds * len(samples["x"])
        return "slow kernels", {"y": samples["x"] * 2}

    return infer


SAMPLES = {"x": np.arange(128.0)}


@pytest.mark.parametrize(("seconds", "expected"), [(0.001, 128), (0.5, 8), (100.0, 2)])
def test_samples_from_the_first_as_many_as_fit(clock, seconds, expected):
    name, outputs = worker.infer_within(reference(clock, seconds), SAMPLES, 4.0)
    assert name == "slow kernels"
    np.testing.assert_array_equal(outputs["y"], 2 * SAMPLES["x"][:expected])


def test_a_single_sample_is_enough_to_answer(clock):
    _, outputs = worker.infer_within(reference(clock, 9.0), {"x": np.arange(1.0)}, 4.0)
    assert len(outputs["y"]) == 1
