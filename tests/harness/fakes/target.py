"""A target that follows a script, in a real child process."""

import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from harness.process.child import ChildProcess
from harness.target import DEFAULT_LIMITS, Readiness, Session, Target, Timing

WORKER = Path(__file__).with_name("worker.py")


def steady(count=200, median_ns=1_000_000, seed=0):
    """Samples of a settled runtime: log-normal around a median, 2 % wide."""
    return np.exp(np.random.default_rng(seed).normal(np.log(median_ns), 0.02, count)).astype(np.int64)


class FakeSession(Session):
    def __init__(self, child, seconds):
        self.child = child
        self.seconds = seconds

    def infer(self, samples):
        return self.child.call("infer", dict(samples), seconds=self.seconds)[1]

    def time(self, samples, plan):
        reply, arrays = self.child.call("time", dict(samples), seconds=self.seconds)
        return Timing(samples_ns=arrays["samples_ns"], first_ns=reply["first_ns"])


class FakeTarget(Target):
    format = "fake"
    default_variants = ("float32",)

    def __init__(self, name="fake/plain", script=None, *, seconds=20.0, ready=True, samples_ns=None, missing=()):
        self.name = name
        self.script = script or {}
        self.seconds = seconds
        self.ready = ready
        self.samples_ns = steady() if samples_ns is None else samples_ns
        self.missing = missing
        self.opened = 0

    def probe(self):
        return Readiness(self.ready, missing="" if self.ready else "the fake runtime", install="make fake")

    def fingerprint(self):
        return {"script": str(sorted(self.script.items()))}

    def unsupported_operators(self, artifact):
        return self.missing

    @contextmanager
    def open(self, artifact, limits=DEFAULT_LIMITS):
        self.opened += 1
        with ChildProcess(self.name, Path(sys.executable), WORKER, start_seconds=self.seconds) as child:
            child.call("load", seconds=self.seconds, script=self.script, samples_ns=[int(s) for s in self.samples_ns])
            yield FakeSession(child, self.seconds)
