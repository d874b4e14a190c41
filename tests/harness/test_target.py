"""What every session does by itself: as many samples as fit a time."""

from typing import Any

import numpy as np
import pytest

from harness import target as target_module
from harness.errors import Failed
from harness.target import Session


class Clock:
    """Time that passes when a sample is run, and not otherwise."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class TimedSession(Session):
    """Each sample takes `seconds`, the first call `start` more; the output is the input."""

    def __init__(self, clock: Clock, seconds: float, start: float = 0.0) -> None:
        self.clock = clock
        self.seconds = seconds
        self.start = start
        self.batches: list[int] = []

    def infer(self, samples) -> dict[str, Any]:
        self.clock.now += self.seconds * len(samples["x"]) + (self.start if not self.batches else 0.0)
        self.batches.append(len(samples["x"]))
        return {"y": samples["x"].copy()}

    def time(self, samples, plan):
        raise NotImplementedError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(target_module, "time", clock)
    return clock


SAMPLES = {"x": np.arange(128.0)}


def test_all_samples_are_run_where_they_are_cheap(clock):
    session = TimedSession(clock, 0.001)
    np.testing.assert_array_equal(session.infer_within(SAMPLES, 4.0)["y"], SAMPLES["x"])
    assert len(session.batches) <= 5


def test_as_many_as_fit_from_the_first_on(clock):
    session = TimedSession(clock, 0.5)
    np.testing.assert_array_equal(session.infer_within(SAMPLES, 4.0)["y"], SAMPLES["x"][:9])
    assert clock.now <= 0.5 + 4.0


def test_one_is_run_whatever_it_takes(clock):
    session = TimedSession(clock, 60.0)
    np.testing.assert_array_equal(session.infer_within(SAMPLES, 4.0)["y"], SAMPLES["x"][:1])


def test_a_runtime_that_drops_a_sample_is_found_out(clock):
    session = TimedSession(clock, 0.001)
    answer = session.infer
    session.infer = lambda samples: {"y": answer(samples)["y"][: 3 if len(samples["x"]) > 3 else None]}
    with pytest.raises(Failed, match="3 of 16 samples in output 'y'"):
        session.infer_within(SAMPLES, 4.0)


def test_a_slow_first_call_does_not_cost_the_others(clock):
    """It compiles: what it took says little of a sample."""
    session = TimedSession(clock, 0.01, start=15.0)
    assert len(session.infer_within(SAMPLES, 4.0)["y"]) == 128
